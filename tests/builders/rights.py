"""Who may use which route. A route that is missing here fails a test."""

from orders_service import api_docs

Route = tuple[str, str]

WHO = ("owner", "other", "nobody", "admin")
MAY: dict[Route, tuple[int, int, int, int]] = {  # what each of them is answered about what is the owner's
    ("GET", "/v1/orders/{order_id}"): (200, 404, 401, 200),
    ("POST", "/v1/orders/{order_id}/cancel"): (200, 404, 401, 200),
    ("GET", "/v1/runs/{run_id}"): (200, 404, 401, 200),
    ("GET", "/v1/runs/{run_id}/events"): (200, 404, 401, 200),
    ("GET", "/v1/runs/{run_id}/why"): (200, 404, 401, 200),
    ("GET", "/v1/users/{user_id}"): (200, 404, 401, 200),
    ("GET", "/v1/imports/{import_id}"): (200, 404, 401, 200),
    ("GET", "/v1/imports/{import_id}/errors"): (200, 404, 401, 200),
    ("POST", "/v1/imports/{import_id}/cancel"): (200, 404, 401, 200),
    ("GET", "/v1/reports/{report_id}"): (200, 404, 401, 200),
    ("GET", "/v1/reports/{report_id}/file"): (200, 404, 401, 200),
    ("POST", "/v1/reports/{report_id}/cancel"): (409, 404, 401, 409),
    ("GET", "/v1/webhook-endpoints/{endpoint_id}"): (200, 404, 401, 200),
    ("PATCH", "/v1/webhook-endpoints/{endpoint_id}"): (200, 404, 401, 200),
    ("DELETE", "/v1/webhook-endpoints/{endpoint_id}"): (204, 404, 401, 204),
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/rotate-secret"): (200, 404, 401, 200),
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/test"): (202, 404, 401, 202),
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/resend"): (202, 404, 401, 202),
    ("GET", "/v1/webhook-endpoints/{endpoint_id}/deliveries"): (200, 404, 401, 200),
    ("GET", "/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}"): (200, 404, 401, 200),
}
BODIES: dict[Route, dict[str, str]] = {
    ("PATCH", "/v1/webhook-endpoints/{endpoint_id}"): {"description": "another"},
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/rotate-secret"): {},
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/resend"): {"failed_since": "2026-11-28T12:00:00Z"},
}
FOR_EVERYBODY: set[Route] = {
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", api_docs.PAGE),
    *(("GET", path) for path in api_docs.STATIC),
    ("GET", "/openapi.json"),
}
FOR_WHOEVER_HAS_A_KEY: set[Route] = {
    ("GET", "/v1/orders"),
    ("POST", "/v1/orders"),
    ("GET", "/v1/imports"),
    ("POST", "/v1/imports"),
    ("GET", "/v1/webhook-endpoints"),
    ("POST", "/v1/webhook-endpoints"),
    ("GET", "/v1/products"),
    ("GET", "/v1/products/{sku}"),
    ("GET", "/v1/products/{sku}/image"),
}
FOR_STRANGERS: set[Route] = {("POST", "/v1/signup"), ("POST", "/v1/login")}
FOR_PEOPLE: set[Route] = {  # a program's key has no account, whatever it may do
    ("POST", "/v1/logout"),
    ("GET", "/v1/users/me"),
    ("PATCH", "/v1/users/me"),
    ("POST", "/v1/users/me/password"),
}
FOR_STAFF: set[Route] = {  # a customer's key is not enough, whatever id is asked for
    ("GET", "/v1/audit"),
    ("GET", "/v1/reports"),
    ("POST", "/v1/reports"),
    ("GET", "/v1/runs"),
    ("POST", "/v1/runs/retry"),
    ("POST", "/v1/runs/cancel"),
    *(("POST", f"/v1/runs/{{run_id}}/{verb}") for verb in ("retry", "retry-undo", "replay", "cancel")),
    ("GET", "/v1/schedules"),
    *(("POST", f"/v1/schedules/{{name}}/{verb}") for verb in ("trigger", "pause", "resume")),
    ("GET", "/v1/pipelines"),
    *(("POST", f"/v1/pipelines/{{name}}/{verb}") for verb in ("pause", "resume")),
    ("GET", "/v1/users"),
    ("POST", "/v1/api-keys"),
    ("GET", "/v1/api-keys"),
    ("GET", "/v1/api-keys/{key_id}"),
    ("DELETE", "/v1/api-keys/{key_id}"),
    ("PUT", "/v1/products/{sku}"),
    ("DELETE", "/v1/products/{sku}"),
    ("POST", "/v1/products/{sku}/stock"),
    ("GET", "/v1/products/{sku}/stock"),
    ("PUT", "/v1/products/{sku}/image"),
    ("DELETE", "/v1/products/{sku}/image"),
    ("GET", "/v1/products/{sku}/image/status"),
}
FOR_WHOEVER_SIGNS: set[Route] = {("POST", "/v1/fulfillment/events")}  # no key is asked for, and none is enough
IN_DEVELOPMENT: set[Route] = {
    ("GET", "/sandbox/warehouse"),
    ("POST", "/sandbox/warehouse"),
    ("PUT", "/sandbox/crm/users/{user_id}"),
    ("GET", "/sandbox/crm"),
    ("GET", "/sandbox/mailbox"),
    ("GET", "/sandbox/mailbox/{mail_id}"),
}
