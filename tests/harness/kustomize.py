"""Renders the part of kustomize that our overlays use, so that tests see what a cluster would; refuses all else."""

import copy
import json
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeAlias

import yaml

Manifest: TypeAlias = dict[str, Any]

_KNOWN = {"apiVersion", "kind", "namespace", "resources", "components", "patches", "images", "replacements"}
_PATCH, _PATCHED, _IMAGE = {"path", "target"}, {"kind", "name"}, {"name", "newName", "newTag"}
_REPLACEMENT, _TARGET = {"source", "targets"}, {"select", "fieldPaths", "options"}
# What identifies the members of a list of objects; a list not named here is replaced as a whole.
_MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
}
_CLUSTER_WIDE = {"Namespace", "ClusterRole", "ClusterRoleBinding", "PersistentVolume", "StorageClass"}


class UnknownToTests(Exception):
    """A kustomization uses what this renderer does not know: extend it, or do without."""


def render(folder: Path, *components: Path) -> list[Manifest]:
    """What `kubectl kustomize` prints for this folder, in another order; no more than our overlays need.

    Components in addition are those that a user has uncommented.
    """
    return _built(folder, [], components)


def _built(folder: Path, given: list[Manifest], components: Iterable[Path] = ()) -> list[Manifest]:
    """A component is built like an overlay, on what is there already."""
    plan = read_all(folder / "kustomization.yaml")[0]
    _refuse_all_but(_KNOWN, plan)
    manifests = [*given, *(manifest for entry in plan.get("resources", []) for manifest in _resource(folder / entry))]
    for component in [*(folder / entry for entry in plan.get("components", [])), *components]:
        manifests = _built(component, manifests)
    for patch in plan.get("patches", []):
        _refuse_all_but(_PATCH, patch)
        manifests = _patched(manifests, read_all(folder / patch["path"]), patch.get("target"))
    if "namespace" in plan:
        _move(manifests, plan["namespace"])
    for image in plan.get("images", []):
        _refuse_all_but(_IMAGE, image)
        _name_image(manifests, image)
    for replacement in plan.get("replacements", []):
        _replace(manifests, replacement)
    return manifests


def render_with_kubectl(kubectl: str, folder: Path) -> list[Manifest]:
    """The same from the real thing."""
    done = subprocess.run([kubectl, "kustomize", folder], check=True, capture_output=True, text=True)  # noqa: S603 - ours
    return _documents(done.stdout)


def read_all(path: Path) -> list[Manifest]:
    """Every document of a YAML file."""
    return _documents(path.read_text())


def _documents(text: str) -> list[Manifest]:
    return [document for document in yaml.load_all(text, yaml.CSafeLoader) if document]


def _resource(path: Path) -> list[Manifest]:
    return render(path) if path.is_dir() else read_all(path)


def _refuse_all_but(known: set[str], found: Manifest) -> None:
    if unknown := sorted(found.keys() - known):
        raise UnknownToTests(", ".join(unknown))


def _patched(manifests: list[Manifest], patches: list[Manifest], target: Manifest | None) -> list[Manifest]:
    for patch in patches:
        if target is None:
            found = [_one(manifests, kind=patch["kind"], name=patch["metadata"]["name"])]
        else:
            _refuse_all_but(_PATCHED, target)
            found = _every(manifests, **target)
        if patch.get("$patch") == "delete":
            manifests = [manifest for manifest in manifests if not any(manifest is each for each in found)]
            continue
        for each in found:
            each.update(_merged(each, _nameless(patch) if target is not None else patch))
    return manifests


def _nameless(patch: Manifest) -> Manifest:
    """A patch with a target changes no names."""
    return {key: value for key, value in patch.items() if key not in {"apiVersion", "kind", "metadata"}}


def _every(manifests: list[Manifest], kind: str, name: str | None = None) -> list[Manifest]:
    return [m for m in manifests if m["kind"] == kind and name in (None, m["metadata"]["name"])]


def _one(manifests: list[Manifest], kind: str, name: str | None = None) -> Manifest:
    found = _every(manifests, kind, name)
    if len(found) != 1:
        raise LookupError(f"{len(found)} manifests are {kind} {name}")
    return found[0]


def _merged(old: Manifest, patch: Manifest) -> Manifest:
    """A strategic merge: objects merge, lists of known objects merge by key, null removes, the rest is replaced."""
    new = dict(old)
    for key, value in patch.items():
        if key.startswith("$"):
            raise UnknownToTests(f"{key} inside of a manifest")
        if value is None:
            new.pop(key, None)
        elif isinstance(value, dict):
            new[key] = _merged(old.get(key, {}), value)
        elif isinstance(value, list) and key in _MERGE_KEYS:
            new[key] = _merged_list(old.get(key, []), value, by=_MERGE_KEYS[key])
        else:
            new[key] = copy.deepcopy(value)
    return new


def _merged_list(old: list[Manifest], patch: list[Manifest], by: str) -> list[Manifest]:
    changes = {member[by]: member for member in patch}
    kept = [_merged(member, changes.pop(member[by], {})) for member in old]
    return [_merged({}, member) for member in changes.values()] + kept


def _move(manifests: list[Manifest], namespace: str) -> None:
    for manifest in manifests:
        if manifest["kind"] not in _CLUSTER_WIDE:
            manifest["metadata"] = manifest["metadata"] | {"namespace": namespace}


def _name_image(manifests: list[Manifest], image: Manifest) -> None:
    def renamed(name: str) -> str:
        return new if name.partition(":")[0] == image["name"] else name

    new = f"{image.get('newName', image['name'])}:{image['newTag']}"

    for manifest in manifests:
        _change_everywhere(manifest, "image", renamed)


def _change_everywhere(node: object, key: str, change: Callable[[str], str]) -> None:
    if isinstance(node, dict):
        if isinstance(node.get(key), str):
            node[key] = change(node[key])
        for child in node.values():
            _change_everywhere(child, key, change)
    elif isinstance(node, list):
        for child in node:
            _change_everywhere(child, key, change)


def _replace(manifests: list[Manifest], replacement: Manifest) -> None:
    _refuse_all_but(_REPLACEMENT, replacement)
    source = replacement["source"]
    holder, last = _holder(_one(manifests, source["kind"], source.get("name")), source["fieldPath"])
    value = holder[last]
    if options := source.get("options"):
        value = value.split(options["delimiter"])[options["index"]]
    for target in replacement["targets"]:
        _refuse_all_but(_TARGET, target)
        _put(_one(manifests, **target["select"]), target, value)


def _put(manifest: Manifest, target: Manifest, value: str) -> None:
    for path in target["fieldPaths"]:
        holder, last = _holder(manifest, path)
        if options := target.get("options"):
            parts = holder[last].split(options["delimiter"])
            parts[options["index"]] = value
            holder[last] = options["delimiter"].join(parts)
        else:
            holder[last] = value


def _holder(manifest: Manifest, path: str) -> tuple[Manifest, str]:
    """The object that holds the last field of a path such as `spec.containers.[name=orders].image`."""
    *way, last = path.split(".")
    node: Any = manifest
    for part in way:
        if part.startswith("["):
            key, _, wanted = part.strip("[]").partition("=")
            node = next(member for member in node if member[key] == wanted)
        else:
            node = node[part]
    return node, last


def in_one_order(manifests: list[Manifest]) -> list[str]:
    """For comparing two renderings: where neither the order of manifests nor of keys means anything."""
    return sorted(json.dumps(manifest, sort_keys=True) for manifest in manifests)
