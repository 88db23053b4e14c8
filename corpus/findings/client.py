"""IBM's own client of Security Advisor, on a server of whodid: every call that it has, and what it must come back with.

    python client.py http://127.0.0.1:7700 ADMINISTRATOR-TOKEN
"""
import sys

from ibm_cloud_sdk_core import ApiException
from ibm_cloud_sdk_core.authenticators import BearerTokenAuthenticator
from ibm_cloud_security_advisor import FindingsApiV1, NotificationsApiV1
from ibm_cloud_security_advisor.notifications_api_v1 import ChannelGet, ChannelInfo, ChannelsList, PublicKeyGet, TestChannel

url, token = sys.argv[1:]
findings = FindingsApiV1(authenticator=BearerTokenAuthenticator(token))
findings.set_service_url(f"{url}/findings")
channels = NotificationsApiV1(authenticator=BearerTokenAuthenticator(token))
channels.set_service_url(f"{url}/notifications")
calls = 0
account, provider = "default", "client"
here = {"account_id": account, "provider_id": provider}
reporter = {"id": "scanner", "title": "Scanner", "url": "https://scan.example.com"}
weak = f"{account}/providers/{provider}/notes/weak"


def call(method, *arguments, **named):
    """What the client got; its own words where it was refused."""
    global calls
    calls += 1
    try:
        return method(*arguments, **named).get_result()
    except ApiException as refused:
        sys.exit(f"{method.__name__}: {refused.code} {refused.http_response.text}")


def note(kind, name, **member):
    return call(findings.create_note, **here, id=name, kind=kind, short_description=name, long_description="A <b>note</b>",
                reported_by=reporter, **member)


def same(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: {got!r}, and not {wanted!r}")


note("FINDING", "weak", finding={"severity": "HIGH", "next_steps": [{"title": "Mend it", "url": "https://docs.example.com"}]})
note("KPI", "count", kpi={"aggregation_type": "SUM"})
note("SECTION", "section", section={"title": "Scans", "image": "data:image/svg+xml;base64,PHN2Zy8+"})
value = {"kind": "FINDING_COUNT", "finding_note_names": [weak], "text": "weak"}
element = {"kind": "NUMERIC", "text": "Weak ciphers", "default_time_range": "4d", "value_type": value}
note("CARD", "card", card={"section": "Scans", "title": "Ciphers", "subtitle": "of servers", "order": 1,
                           "finding_note_names": [weak], "elements": [element]})
first = call(findings.list_notes, **here, page_size=3)
rest = call(findings.list_notes, **here, page_size=3, page_token=first["next_page_token"])
same("notes of two pages", [one["id"] for one in first["notes"] + rest["notes"]], ["card", "count", "section", "weak"])
same("a note", call(findings.get_note, **here, note_id="weak")["finding"]["severity"], "HIGH")
call(findings.update_note, **here, note_id="weak", id="weak", kind="FINDING", short_description="weaker", long_description="l",
     reported_by=reporter, finding={"severity": "MEDIUM", "next_steps": []})

call(findings.create_occurrence, **here, id="one", kind="FINDING", note_name=weak, remediation="Mend it",
     context={"region": "eu-de", "resource_name": "shop"}, finding={"severity": "HIGH", "certainty": "HIGH", "next_steps": []})
call(findings.create_occurrence, **here, id="one", kind="FINDING", note_name=weak, replace_if_exists=True,
     finding={"severity": "CRITICAL", "certainty": "LOW"})
call(findings.create_occurrence, **here, id="two", kind="KPI", note_name=weak.replace("weak", "count"), kpi={"value": 2.0, "total": 3.0})
same("an occurrence", call(findings.get_occurrence, **here, occurrence_id="one")["finding"]["severity"], "CRITICAL")
same("its note", call(findings.get_occurrence_note, **here, occurrence_id="one")["short_description"], "weaker")
same("occurrences", len(call(findings.list_occurrences, **here)["occurrences"]), 2)
same("of a note", len(call(findings.list_note_occurrences, **here, note_id="weak")["occurrences"]), 1)
call(findings.update_occurrence, **here, occurrence_id="one", id="one", kind="FINDING", note_name=weak,
     finding={"severity": "LOW", "certainty": "LOW"})
named = [one["id"] for one in call(findings.list_providers, account_id=account, limit=100)["providers"]]
same("the provider is listed", provider in named, True)
query = 'query { notes(provider_id: "client", kind: KPI) { notes { id } } }'
wanted = {"data": {"notes": {"notes": [{"id": "count"}]}}}
same("the graph", call(findings.post_graph, account_id=account, body=query, content_type="application/graphql"), wanted)
for name in ["one", "two"]:
    call(findings.delete_occurrence, **here, occurrence_id=name)
for name in ["card", "section", "count", "weak"]:
    call(findings.delete_note, **here, note_id=name)

# The client's own classes read the answers: what they need is there.
source = [{"provider_name": "ATA", "finding_types": ["iam", "kms"]}]
told = {"type": "Webhook", "endpoint": "https://hooks.invalid/desk", "description": "of the desk"}
made = ChannelInfo.from_dict(call(channels.create_notification_channel, account, name="desk", severity=["high"], enabled=True,
                                  alert_source=source, **told))
same("the status", made.status_code, 200)
seen = ChannelGet.from_dict(call(channels.get_notification_channel, account, made.channel_id)).channel
same("the channel", (seen.name, seen.enabled, seen.severity.high, seen.severity.low), ("desk", True, True, False))
same("its sources", [one.to_dict() for one in seen.alert_source], source)
call(channels.update_notification_channel, account, made.channel_id, name="office", **told)
listed = ChannelsList.from_dict(call(channels.list_all_channels, account, limit=10, skip=0)).channels
same("the channels", [(one.name, one.enabled, one.severity.medium) for one in listed], [("office", False, True)])
tried = TestChannel.from_dict(call(channels.test_notification_channel, account, made.channel_id))
same("a receiver that is nowhere", tried.test, "failed")
key = PublicKeyGet.from_dict(call(channels.get_public_key, account)).public_key
same("the key", key.startswith("-----BEGIN PUBLIC KEY-----"), True)
call(channels.delete_notification_channel, account, made.channel_id)
second = call(channels.create_notification_channel, account, name="second", **told)["channel_id"]
call(channels.delete_notification_channels, account, body=[second])
same("what is left", call(channels.list_all_channels, account)["channels"], [])
print(f"findings and channels: {calls} calls of IBM's client, each answered as it needs")
