"""What the HTTP contract says of itself before its first endpoint."""

DESCRIPTION = """Takes orders, and sees to it that each is fulfilled whatever fails meanwhile.

A 2xx means that the order is on disk and will reach a terminal state. A 5xx or a lost answer means that nobody knows:
repeat the request with the same `Idempotency-Key`. Every error is `application/problem+json`; a proxy on the way may
answer first, so do not depend on the body.
"""
TAGS = [
    {"name": "orders", "description": "Placed once, and seen through."},
    {"name": "products", "description": "What is sold, at which price, and how much of it there is."},
    {"name": "images", "description": "Pictures of products, shown in several sizes."},
    {"name": "fulfillment", "description": "What the warehouse tells us, signed after Standard Webhooks."},
    {"name": "accounts", "description": "People, who sign up and log in."},
    {"name": "api-keys", "description": "Credentials of programs, for admins to give and take."},
    {"name": "imports", "description": "Orders by the file."},
    {"name": "reports", "description": "What was sold, what is in stock, and who has bought."},
    {"name": "runs", "description": "What happens in the background, attempt by attempt."},
    {"name": "schedules", "description": "What this service starts by itself."},
    {"name": "pipelines", "description": "What background work is made of."},
    {"name": "audit", "description": "Who did what."},
    {"name": "operations", "description": "For whoever runs the service."},
    {"name": "webhooks", "description": "What we send, signed after Standard Webhooks, and whom we send it to."},
]
