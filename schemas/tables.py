"""Every table, so that one import fills the metadata."""

from sqlmodel import SQLModel

from schemas.complaint import Complaint, ComplaintEvent
from schemas.deadline import Deadline
from schemas.installation import Heartbeat, InstallationFact
from schemas.outbox import DeliveryAttempt, Message
from schemas.people import Customer, Department, Staff
from schemas.policy import PolicyEdition

METADATA = SQLModel.metadata

__all__ = [
    "METADATA",
    "Complaint",
    "ComplaintEvent",
    "Customer",
    "Deadline",
    "DeliveryAttempt",
    "Department",
    "Heartbeat",
    "InstallationFact",
    "Message",
    "PolicyEdition",
    "Staff",
]
