"""Every table, so that one import fills the metadata."""

from sqlmodel import SQLModel

from schemas.access import AccessEntry, Link, SignInSession
from schemas.complaint import Complaint, ComplaintEvent
from schemas.deadline import Deadline
from schemas.effect import EffectCheck, Lesson, Standard, SustainWatch
from schemas.escalation import Escalation, EscalationStep
from schemas.improvement import AnalysisRun, Finding, Problem
from schemas.installation import Heartbeat, InstallationFact
from schemas.item import Approval, Cycle, Item, ItemEvent
from schemas.kpi import Signal, Snapshot
from schemas.outbox import DeliveryAttempt, Message
from schemas.people import Absence, Customer, Department, DutyShift, Staff
from schemas.plan import Cause, Checkpoint, Measure, VerificationPlan
from schemas.policy import PolicyEdition
from schemas.retention import LegalHold
from schemas.survey import Answer, ApiKey, CallAttempt, Interview, Invitation, OptOut, Touchpoint

METADATA = SQLModel.metadata

__all__ = [
    "METADATA",
    "Absence",
    "AccessEntry",
    "AnalysisRun",
    "Answer",
    "ApiKey",
    "Approval",
    "CallAttempt",
    "Cause",
    "Checkpoint",
    "Complaint",
    "ComplaintEvent",
    "Customer",
    "Cycle",
    "Deadline",
    "DeliveryAttempt",
    "Department",
    "DutyShift",
    "EffectCheck",
    "Escalation",
    "EscalationStep",
    "Finding",
    "Heartbeat",
    "InstallationFact",
    "Interview",
    "Invitation",
    "Item",
    "ItemEvent",
    "LegalHold",
    "Lesson",
    "Link",
    "Measure",
    "Message",
    "OptOut",
    "PolicyEdition",
    "Problem",
    "SignInSession",
    "Signal",
    "Snapshot",
    "Staff",
    "Standard",
    "SustainWatch",
    "Touchpoint",
    "VerificationPlan",
]
