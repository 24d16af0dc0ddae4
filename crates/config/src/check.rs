//! What the types alone can not tell: values that make no sense, or not
//! together. Found at start instead of in the middle of a request.

use url::Url;

use crate::error::Problem;
use crate::logging;
use crate::sections::Config;

/// Everything that is wrong with a configuration.
pub(crate) fn problems(config: &Config) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut expect = |holds: bool, section: &str, option: &str, reason: &str| {
        if !holds {
            found.push(Problem {
                section: section.to_owned(),
                option: option.to_owned(),
                origin: None,
                reason: reason.to_owned(),
            });
        }
    };

    expect(
        logging::filter(&config.default).is_ok(),
        "DEFAULT",
        "log_level",
        "expected a level or levels per module",
    );
    expect(
        config.database.max_pool_size > 0,
        "database",
        "max_pool_size",
        "expected at least 1",
    );
    let jobs = &config.jobs;
    expect(jobs.workers > 0, "jobs", "workers", "expected at least 1");
    expect(
        !jobs.lease.is_zero(),
        "jobs",
        "lease",
        "expected more than 0 seconds",
    );
    expect(
        !jobs.poll_interval.is_zero(),
        "jobs",
        "poll_interval",
        "expected more than 0 seconds",
    );
    expect(
        jobs.retry_base <= jobs.retry_max,
        "jobs",
        "retry_max",
        "expected at least retry_base",
    );

    let keystone = &config.keystone_authtoken;
    let urls = [
        ("keystone_authtoken", "auth_url", &keystone.auth_url),
        (
            "keystone_authtoken",
            "www_authenticate_uri",
            &keystone.www_authenticate_uri,
        ),
        (
            "nova_apigw",
            "public_endpoint",
            &config.nova_apigw.public_endpoint,
        ),
        (
            "cinder_apigw",
            "public_endpoint",
            &config.cinder_apigw.public_endpoint,
        ),
        (
            "neutron_api",
            "public_endpoint",
            &config.neutron_api.public_endpoint,
        ),
        (
            "admin_api",
            "public_endpoint",
            &config.admin_api.public_endpoint,
        ),
    ];
    for (section, option, text) in urls {
        let http = Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        expect(
            text.is_empty() || http,
            section,
            option,
            "expected a URL that starts with http:// or https://",
        );
    }

    let top = &config.tricircle;
    expect(
        top.tenant_network_types
            .iter()
            .all(|name| top.type_drivers.contains(name)),
        "tricircle",
        "tenant_network_types",
        "every type must also be in type_drivers",
    );
    expect(
        top.max_limit > 0,
        "tricircle",
        "max_limit",
        "expected at least 1",
    );
    expect(
        (68..=65_535).contains(&top.default_mtu),
        "tricircle",
        "default_mtu",
        "expected 68 to 65535",
    );

    for limit in crate::section::Section::options(&config.quota) {
        let enough = limit.value.parse::<i64>().is_ok_and(|value| value >= -1);
        expect(enough, "quota", limit.name, "expected -1 or more");
    }
    found
}
