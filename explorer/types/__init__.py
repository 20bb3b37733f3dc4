"""Frozen values that cross folders: what a checkpoint, a Point, a Gram, a task and a score are.

Nothing here reads a file, a database or a weight. Letters used for shapes all over the project:
n checkpoints, d parameters, g parameter groups, k map dimensions, m points of a path, c classes, b examples.
"""

from explorer.types._identity import canonical_json, digest
from explorer.types.claims import Entry, Figure, Finding, Verdict
from explorer.types.geometry import ClusterMetric, Clusters, Gram, MapSpec, Metric, Projection
from explorer.types.models import KINDS, Base, Checkpoint, Group, Layout, Tensor
from explorer.types.permits import EVERYTHING, Limits, Permit, Role
from explorer.types.points import Line, Point
from explorer.types.scores import DeviceFacts, Estimate, Head, Notice, Probe, Progress, Score, Task
from explorer.types.seen import Files, Seen
from explorer.types.sketches import Sketch, Sketched, SketchRow
from explorer.types.stories import Drawings, SavedView, Step, Story
from explorer.types.training import Started, Tuning

__all__ = ["EVERYTHING", "KINDS", "Base", "Checkpoint", "ClusterMetric", "Clusters", "DeviceFacts", "Drawings", "Entry",
           "Estimate", "Figure", "Files", "Finding", "Gram", "Group", "Head", "Layout", "Limits", "Line", "MapSpec",
           "Metric", "Notice", "Permit", "Point", "Probe", "Progress", "Projection", "Role", "SavedView", "Score",
           "Seen", "Sketch", "SketchRow", "Sketched", "Started", "Step", "Story", "Task", "Tensor", "Tuning", "Verdict",
           "canonical_json", "digest"]
