"""A pytest plugin that selects tests of ceph/s3-tests and writes what became of
each, for test/conformance. It reads from the environment:

CONFORMANCE_GROUP    core, versioning, or all
CONFORMANCE_ALONE    yes for the tests of ALONE, no for the others
CONFORMANCE_RESULTS  the file to write: one JSON object a line

Selected are the tests of test_s3 and test_headers without a marker of LEFT_OUT;
a test belongs to the first group in GROUPS whose pattern its name matches, and
to "core" if none matches. At the commit that main.go names that makes 481 tests,
of which 261 are core and 30 about versioning.
"""

import json
import os
import re

# What neither Thingpass nor the engines behind it are asked for, and what
# checks answers that only Ceph gives.
LEFT_OUT = {
    "auth_aws2",
    "bucket_encryption",
    "bucket_logging",
    "bucket_logging_cleanup",
    "cloud_restore",
    "cloud_transition",
    "encryption",
    "fails_on_aws",
    "iam_account",
    "iam_role",
    "iam_tenant",
    "iam_user",
    "lifecycle",
    "lifecycle_expiration",
    "lifecycle_transition",
    "object_ownership",
    "s3website",
    "s3website_redirect_location",
    "s3website_routing_rules",
    "sns",
    "sse_s3",
    "storage_class",
    "target_by_bucket",
}

GROUPS = [
    ("acl", r"acl|access_bucket|grant"),
    ("bucket policy", r"policy"),
    ("form", r"post_object"),
    ("cors", r"cors"),
    ("object lock", r"object_lock"),
    ("public access block", r"public_block|block_public"),
    ("anonymous", r"anon|_raw_get|_raw_put"),  # the last two without an SDK
    ("versioning", r"version"),
]

# What expects that nobody else has any bucket.
ALONE = {"test_list_buckets_paginated"}


def group(name):
    for this, pattern in GROUPS:
        if re.search(pattern, name):
            return this
    return "core"


def pytest_collection_modifyitems(config, items):
    wanted = os.environ["CONFORMANCE_GROUP"]
    alone = os.environ["CONFORMANCE_ALONE"] == "yes"
    keep, leave = [], []
    for item in items:
        markers = {marker.name for marker in item.iter_markers()}
        chosen = (
            not markers & LEFT_OUT
            and wanted in ("all", group(item.originalname))
            and alone == (item.originalname in ALONE)
        )
        (keep if chosen else leave).append(item)
    config.hook.pytest_deselected(items=leave)
    items[:] = keep


class Results:
    """Keeps the worst outcome of a test's phases."""

    order = ["passed", "skipped", "failed"]

    def __init__(self):
        self.outcomes = {}

    def pytest_runtest_logreport(self, report):
        name = report.nodeid.split("::")[-1]
        outcome, why = self.outcomes.get(name, ("passed", ""))
        if self.order.index(report.outcome) > self.order.index(outcome):
            crash = getattr(report.longrepr, "reprcrash", None)
            why = crash.message if crash else str(report.longrepr)
            outcome = report.outcome
        self.outcomes[name] = (outcome, why)

    def pytest_sessionfinish(self):
        with open(os.environ["CONFORMANCE_RESULTS"], "w") as out:
            for name, (outcome, why) in self.outcomes.items():
                row = {"name": name, "group": group(name.split("[")[0]), "outcome": outcome, "why": why[:300]}
                out.write(json.dumps(row) + "\n")


def pytest_configure(config):
    if not hasattr(config, "workerinput"):  # not in a worker of pytest-xdist
        config.pluginmanager.register(Results())
