"""Whom several pipelines call, and for how long they go on asking: one budget for each, whoever spends it."""

from tenacity import wait_random_exponential

from pipelines import Destination

ATTEMPTS = 8
# Eight attempts in about an hour: the upper bounds of the seven waits are 1.3 s, 5 s, 21 s, 83 s, 6, 22 and 89 min,
# and full jitter halves their sum.
FOR_AN_HOUR = wait_random_exponential(multiplier=1.3, exp_base=4, max=7200)

# More calls at once than the gateways have connections: a rush waits for those, and an outage keeps slots for others.
WAREHOUSE = Destination("warehouse", concurrency=80)
MAIL = Destination("mail", concurrency=80)
CRM = Destination("crm", concurrency=20)
