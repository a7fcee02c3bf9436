"""The closed lists and formats of CAP 1.2 (OASIS Standard, 1 July 2010), spelled exactly as there."""

import re
from typing import Literal, get_args

Category = Literal[
    "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"
]
ResponseType = Literal["Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None"]

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"

STATUS = frozenset({"Actual", "Exercise", "System", "Test", "Draft"})
MSG_TYPE = frozenset({"Alert", "Update", "Cancel", "Ack", "Error"})
SCOPE = frozenset({"Public", "Restricted", "Private"})
CATEGORY = frozenset(get_args(Category))
RESPONSE_TYPE = frozenset(get_args(ResponseType))
URGENCY = frozenset({"Immediate", "Expected", "Future", "Past", "Unknown"})
SEVERITY = frozenset({"Extreme", "Severe", "Moderate", "Minor", "Unknown"})
CERTAINTY = frozenset({"Observed", "Likely", "Possible", "Unlikely", "Unknown"})

IDENTITY = re.compile(r"[^\s,<&]+")  # identifier and sender: CAP joins them with commas and spaces
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")  # never "Z", never a fraction of a second
LANGUAGE = re.compile(r"[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*")  # RFC 3066, which the CAP schema's xs:language means
