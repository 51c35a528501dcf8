"""Whom accounts call, and how patiently: as orders call the mail server and the warehouse."""

from tenacity import wait_random_exponential

from pipelines import Destination

MAIL = Destination("mail", concurrency=80)
CRM = Destination("crm", concurrency=20)
FOR_AN_HOUR = wait_random_exponential(multiplier=1.3, exp_base=4, max=7200)  # eight attempts take about so long
ATTEMPTS = 8
