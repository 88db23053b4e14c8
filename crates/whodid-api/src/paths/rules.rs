//! Rules, packages and exceptions.

use crate::{
    Backtest, BacktestRequest, LookupParams, PackageCheck, PackageContent, PackageFiles, PackageInstallParams,
    PackageInstalled, PackageList, PackageSummary, PackageUpdate, RuleCheck, RuleCheckRequest, RuleCreate, RuleDetail,
    RuleException, RuleExceptionCreate, RuleExceptionList, RuleList, RuleUpdate,
};

/// List rules
#[utoipa::path(get, path = "/api/v1/rules", operation_id = "listRules", tag = "rules", params(LookupParams),
    responses((status = 200, description = "The rules of packages and the account's own", body = RuleList)), security(("key" = []), ("session" = [])))]
pub fn list_rules() {}

/// Make a rule
///
/// Sigma as YAML, or Security Advisor's JSON. It is refused where something of it cannot be used, and where it shall run and a test beside it fails.
#[utoipa::path(post, path = "/api/v1/rules", operation_id = "createRule", tag = "rules", params(LookupParams), request_body = RuleCreate,
    responses((status = 201, description = "The rule", body = RuleDetail)), security(("key" = []), ("session" = [])))]
pub fn create_rule() {}

/// Look at a rule
#[utoipa::path(get, path = "/api/v1/rules/{id}", operation_id = "getRule", tag = "rules", params(("id" = String, Path, description = "The rule's id"), LookupParams),
    responses((status = 200, description = "The rule with its text", body = RuleDetail)), security(("key" = []), ("session" = [])))]
pub fn get_rule() {}

/// Change, switch or tune a rule
///
/// Tuning is kept apart from the rule and survives upgrades of its package.
#[utoipa::path(patch, path = "/api/v1/rules/{id}", operation_id = "updateRule", tag = "rules", params(("id" = String, Path, description = "The rule's id"), LookupParams), request_body = RuleUpdate,
    responses((status = 200, description = "The rule as it is now", body = RuleDetail)), security(("key" = []), ("session" = [])))]
pub fn update_rule() {}

/// Delete a rule of the account's own
///
/// All rules of the same text go. Of a package's rule only what was tuned goes.
#[utoipa::path(delete, path = "/api/v1/rules/{id}", operation_id = "deleteRule", tag = "rules", params(("id" = String, Path, description = "The rule's id"), LookupParams),
    responses((status = 204, description = "It is gone")), security(("key" = []), ("session" = [])))]
pub fn delete_rule() {}

/// Check rules without keeping them
///
/// Reads, compiles, runs the tests that stand beside them, and tries them on the events given.
#[utoipa::path(post, path = "/api/v1/rules/check", operation_id = "checkRules", tag = "rules", params(LookupParams), request_body = RuleCheckRequest,
    responses((status = 200, description = "What is wrong, and what they find", body = RuleCheck)), security(("key" = []), ("session" = [])))]
pub fn check_rules() {}

/// Run a rule over what is stored
///
/// With the very function that runs over what comes. Reads only events that may concern the rule, records nothing and tells nobody. It ends after a minute with what was found until then.
#[utoipa::path(post, path = "/api/v1/rules/backtest", operation_id = "backtestRule", tag = "rules", params(LookupParams), request_body = BacktestRequest,
    responses((status = 200, description = "What it would have found", body = Backtest)), security(("key" = []), ("session" = [])))]
pub fn backtest_rule() {}

/// List packages
#[utoipa::path(get, path = "/api/v1/packages", operation_id = "listPackages", tag = "rules", params(LookupParams),
    responses((status = 200, description = "Those that came with whodid and those installed", body = PackageList)), security(("key" = []), ("session" = [])))]
pub fn list_packages() {}

/// Install or upgrade a package
///
/// The body is its archive, a gzip-compressed tar, or its files as JSON. All or nothing: it is refused where a rule cannot be used or a test fails, and where its version is older than the installed one.
#[utoipa::path(post, path = "/api/v1/packages", operation_id = "installPackage", tag = "rules", params(PackageInstallParams),
    request_body(description = "The archive, or the files", content((String = "application/gzip"), (PackageFiles = "application/json"))),
    responses((status = 200, description = "What came, or would come, of it", body = PackageInstalled)), security(("key" = []), ("session" = [])))]
pub fn install_package() {}

/// Check a package without installing it
///
/// Reads, compiles and tests the package, an archive or files as when installing it, tells what would differ from the installed one, and why it would be refused.
#[utoipa::path(post, path = "/api/v1/packages/check", operation_id = "checkPackage", tag = "rules", params(LookupParams),
    request_body(description = "The archive, or the files", content((String = "application/gzip"), (PackageFiles = "application/json"))),
    responses((status = 200, description = "What it comes to", body = PackageCheck)), security(("key" = []), ("session" = [])))]
pub fn check_package() {}

/// Look at the account's storage for rule files
///
/// Each file `IBM.rules/activities/*.json` beside the account's tables is a package, which is made, upgraded and removed with it. They are looked at every minute; this looks now, and answers when it is done.
#[utoipa::path(post, path = "/api/v1/packages/refresh", operation_id = "refreshPackages", tag = "rules", params(LookupParams),
    responses((status = 200, description = "The packages as they are now", body = PackageList)), security(("key" = []), ("session" = [])))]
pub fn refresh_packages() {}

/// Download a package
#[utoipa::path(get, path = "/api/v1/packages/{id}/content", operation_id = "downloadPackage", tag = "rules", params(("id" = String, Path, description = "The package's id"), LookupParams),
    responses((status = 200, description = "Its archive", body = String, content_type = "application/gzip")), security(("key" = []), ("session" = [])))]
pub fn download_package() {}

/// Get the files of a package
///
/// To be changed and installed again.
#[utoipa::path(get, path = "/api/v1/packages/{id}/files", operation_id = "getPackageFiles", tag = "rules", params(("id" = String, Path, description = "The package's id"), LookupParams),
    responses((status = 200, description = "Its files", body = PackageContent)), security(("key" = []), ("session" = [])))]
pub fn package_files() {}

/// Switch a package, or fill its variables in
#[utoipa::path(patch, path = "/api/v1/packages/{id}", operation_id = "updatePackage", tag = "rules", params(("id" = String, Path, description = "The package's id"), LookupParams), request_body = PackageUpdate,
    responses((status = 200, description = "The package as it is now", body = PackageSummary)), security(("key" = []), ("session" = [])))]
pub fn update_package() {}

/// Remove a package
///
/// One that came with whodid cannot be removed, only switched off. One that is made of a file in the account's storage is removed there.
#[utoipa::path(delete, path = "/api/v1/packages/{id}", operation_id = "deletePackage", tag = "rules", params(("id" = String, Path, description = "The package's id"), LookupParams),
    responses((status = 204, description = "It is gone")), security(("key" = []), ("session" = [])))]
pub fn delete_package() {}

/// List exceptions
#[utoipa::path(get, path = "/api/v1/exceptions", operation_id = "listExceptions", tag = "rules", params(LookupParams),
    responses((status = 200, description = "What rules are not to tell", body = RuleExceptionList)), security(("key" = []), ("session" = [])))]
pub fn list_exceptions() {}

/// Make an exception
///
/// Matches that it silences are counted and stay visible as silenced findings.
#[utoipa::path(post, path = "/api/v1/exceptions", operation_id = "createException", tag = "rules", params(LookupParams), request_body = RuleExceptionCreate,
    responses((status = 201, description = "The exception", body = RuleException)), security(("key" = []), ("session" = [])))]
pub fn create_exception() {}

/// End an exception
#[utoipa::path(delete, path = "/api/v1/exceptions/{id}", operation_id = "deleteException", tag = "rules", params(("id" = String, Path, description = "The exception's id"), LookupParams),
    responses((status = 204, description = "It is gone")), security(("key" = []), ("session" = [])))]
pub fn delete_exception() {}
