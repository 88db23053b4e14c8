//! Events as a Kubernetes API server writes them (`audit.k8s.io/v1`).

use whodid_model::Timestamp;

use crate::Generated;
use crate::draw::Draw;
use crate::ibm::Who;
use crate::json::Json;

/// One call of the API server.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) cluster: &'a str,
    pub(crate) verb: &'a str,
    pub(crate) group: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) subresource: &'a str,
    pub(crate) namespace: &'a str,
    /// Empty for lists.
    pub(crate) name: &'a str,
    pub(crate) query: &'a str,
    pub(crate) groups: &'a [&'a str],
    pub(crate) status: u16,
    pub(crate) request: Option<Json>,
}

pub(crate) fn event(at: Timestamp, who: &Who, call: Call<'_>, draw: &mut Draw) -> Generated {
    let Call { cluster, verb, group, resource, subresource, namespace, name, query, groups, status, request } = call;
    let mut uri = if group.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{group}/v1") };
    for part in [if namespace.is_empty() { "" } else { "namespaces" }, namespace, resource, name, subresource] {
        if !part.is_empty() {
            uri.push('/');
            uri.push_str(part);
        }
    }
    uri.push_str(query);
    let is_forbidden = status == 403;
    let mut json = Json::with_capacity(1200);
    json.text("kind", "Event").text("apiVersion", "audit.k8s.io/v1");
    json.text("level", if request.is_some() { "Request" } else { "Metadata" });
    json.text("auditID", &draw.uuid()).text("stage", "ResponseComplete");
    json.text("requestURI", &uri).text("verb", verb);
    json.open("user").text("username", &who.name).text_if("uid", &who.id).texts("groups", groups).close();
    json.texts("sourceIPs", &[&who.address]).text("userAgent", &who.agent);
    json.open("objectRef").text("resource", resource).text_if("namespace", namespace).text_if("name", name);
    json.text_if("apiGroup", group).text("apiVersion", "v1").text_if("subresource", subresource).close();
    json.open("responseStatus").open("metadata").close();
    if status >= 400 {
        let reason = match status {
            403 => "Forbidden",
            404 => "NotFound",
            409 => "Conflict",
            429 => "TooManyRequests",
            _ => "InternalError",
        };
        let message = match status {
            403 => {
                format!(
                    "{resource} is forbidden: User \"{}\" cannot {verb} resource \"{resource}\" in API group \"{group}\" in the namespace \"{namespace}\"",
                    who.name
                )
            }
            404 => format!("{resource} \"{name}\" not found"),
            409 => format!(
                "Operation cannot be fulfilled on {resource} \"{name}\": the object has been modified; please apply your changes to the latest version and try again"
            ),
            _ => "the server was unable to complete the request".to_owned(),
        };
        json.text("status", "Failure").text("message", &message).text("reason", reason);
    }
    json.number("code", u64::from(status)).close();
    if let Some(request) = request {
        json.raw("requestObject", &request.finish());
    }
    json.time("requestReceivedTimestamp", at, 6, "Z");
    let micros = draw.between(900, 60_000) as i64;
    json.time("stageTimestamp", at.plus_micros(micros), 6, "Z");
    json.open("annotations").text("cluster", cluster);
    json.text("authorization.k8s.io/decision", if is_forbidden { "forbid" } else { "allow" });
    let binding = if is_forbidden { "" } else { "RBAC: allowed by ClusterRoleBinding \"example-staff\"" };
    json.text("authorization.k8s.io/reason", binding).close();
    Generated { at, format: "kubernetes", json: json.finish() }
}
