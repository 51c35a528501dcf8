"""The outside world: warehouse, mail, CRM, subscribers to our events; and the guard of what may be called at all."""

from orders_service.gateways.addresses import LOOPBACK, Network
from orders_service.gateways.calling import Answer, Caller, NoAnswer, Verdict
from orders_service.gateways.crm import Crm, CrmUser, HttpCrm, NoCrm
from orders_service.gateways.egress import Destination, Guard, open_http_session
from orders_service.gateways.errors import (
    CrmRefused,
    CrmUnavailable,
    DestinationRefused,
    GatewayError,
    MailRefused,
    MailUnavailable,
    SignatureRefused,
    SubscriberBusy,
    SubscriberGone,
    SubscriberUnavailable,
    WarehouseRefused,
    WarehouseUnavailable,
)
from orders_service.gateways.mail import Letter, Mail, Template
from orders_service.gateways.mailbox import KeptMail, Mailbox
from orders_service.gateways.signatures import Signatures
from orders_service.gateways.smtp import SmtpMail
from orders_service.gateways.subscribers import HttpSubscribers, Reply, Subscriber, Subscribers
from orders_service.gateways.warehouse import (
    Cancellation,
    Fulfillment,
    FulfillmentCancellation,
    FulfillmentItem,
    FulfillmentRequest,
    HttpWarehouse,
    ShippingAddress,
    Warehouse,
)

__all__ = [
    "LOOPBACK",
    "Answer",
    "Caller",
    "Cancellation",
    "Crm",
    "CrmRefused",
    "CrmUnavailable",
    "CrmUser",
    "Destination",
    "DestinationRefused",
    "Fulfillment",
    "FulfillmentCancellation",
    "FulfillmentItem",
    "FulfillmentRequest",
    "GatewayError",
    "Guard",
    "HttpCrm",
    "HttpSubscribers",
    "HttpWarehouse",
    "KeptMail",
    "Letter",
    "Mail",
    "MailRefused",
    "MailUnavailable",
    "Mailbox",
    "Network",
    "NoAnswer",
    "NoCrm",
    "Reply",
    "ShippingAddress",
    "SignatureRefused",
    "Signatures",
    "SmtpMail",
    "Subscriber",
    "SubscriberBusy",
    "SubscriberGone",
    "SubscriberUnavailable",
    "Subscribers",
    "Template",
    "Verdict",
    "Warehouse",
    "WarehouseRefused",
    "WarehouseUnavailable",
    "open_http_session",
]
