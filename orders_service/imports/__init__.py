"""Files of orders, imported in the background. The front door of this slice."""

from orders_service.imports.arriving import MOST_BYTES
from orders_service.imports.cancelling import cancel_import
from orders_service.imports.complaints import complaints as all_complaints
from orders_service.imports.complaints import first_complaints
from orders_service.imports.desk import ImportDesk
from orders_service.imports.errors import ImportEnded, ImportMoved, ImportsError, NotCsv, UnfitFile, UnknownImport
from orders_service.imports.forgetting import forget_imports, imported_long_ago
from orders_service.imports.importing import import_orders
from orders_service.imports.queries import owner_of_run
from orders_service.imports.schemas import ImportView
from orders_service.imports.viewing import anybodys, everybodys, import_behind

__all__ = [
    "MOST_BYTES",
    "ImportDesk",
    "ImportEnded",
    "ImportMoved",
    "ImportView",
    "ImportsError",
    "NotCsv",
    "UnfitFile",
    "UnknownImport",
    "all_complaints",
    "anybodys",
    "cancel_import",
    "everybodys",
    "first_complaints",
    "forget_imports",
    "import_behind",
    "import_orders",
    "imported_long_ago",
    "owner_of_run",
]
