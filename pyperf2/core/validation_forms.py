"""A validation report for other programs: plain data for JSON, JUnit XML."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from pyperf2.terminal import printable

if TYPE_CHECKING:
    from pyperf2.core.validation import Finding, ValidationReport

SCHEMA: Final = 1


def plain(report: ValidationReport) -> dict[str, Any]:
    """Give the report as dicts and lists."""
    findings = [asdict(one) for one in report.findings]
    return {"schema": SCHEMA, "passed": report.passed, "findings": findings}


def junit(report: ValidationReport) -> str:
    """Give a suite per stream, in it a case per finding."""
    root = ET.Element("testsuites", name="pyperf2 validation")
    suites: dict[str | None, list[Finding]] = {}
    for one in report.findings:
        suites.setdefault(one.stream, []).append(one)
    for name, findings in suites.items():
        suite = ET.SubElement(root, "testsuite", name=printable(name or "traffic"))
        suite.set("tests", str(len(findings)))
        suite.set("failures", str(sum(one.passed is not True for one in findings)))
        for one in findings:
            about = " ".join(part for part in (one.criterion, one.limit) if part)
            case = ET.SubElement(
                suite, "testcase", classname=printable(one.end), name=printable(about)
            )
            if one.passed is not True:
                kind = "undecided" if one.passed is None else "failed"
                text = str(one)
                ET.SubElement(case, "failure", type=kind, message=text).text = text
    return ET.tostring(root, encoding="unicode", xml_declaration=True)
