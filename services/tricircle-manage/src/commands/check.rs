//! `check`: whether anything is lost, doubled or left behind, at the top and in the pods.

use std::process::ExitCode;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tricircle_api::chain;
use tricircle_audit::{Auditor, Finding, check};
use tricircle_config::CommonArgs;
use tricircle_runtime::Parts;

use super::{Failure, load, print};

#[derive(clap::Args)]
pub struct Arguments {
    /// Mend what can be mended safely: want the job that heals it, or remove from a pod
    /// what is marked as ours and belongs to nothing. Servers and volumes are never
    /// removed.
    #[arg(long)]
    repair: bool,
    /// How long something may be under way without a job, in seconds; by default twice
    /// the create_grace of the configuration.
    #[arg(long, value_name = "SECONDS")]
    grace: Option<u64>,
}

pub async fn run(options: &Arguments, arguments: &CommonArgs) -> Result<ExitCode, Failure> {
    let (config, _) = load(arguments)?;
    let grace = options.grace.map(Duration::from_secs);
    let grace = grace.unwrap_or(config.jobs.create_grace.saturating_mul(2));
    let stop = CancellationToken::new();
    let _stopped = stop.clone().drop_guard();
    let parts = Parts::build(config, &stop).await?;
    let auditor = Auditor::new(parts.store.clone(), parts.pods.clone(), parts.jobs());
    let findings = check(&auditor.look(grace).await?);
    if findings.is_empty() {
        print("Nothing is wrong.")?;
        return Ok(ExitCode::SUCCESS);
    }
    if !options.repair {
        print(&table(&findings))?;
        return Ok(ExitCode::FAILURE);
    }
    let mut left = false;
    for finding in &findings {
        match auditor.repair(finding).await {
            Ok(()) => print(&format!("{finding}: {}, done", finding.remedy))?,
            Err(error) => {
                left = true;
                print(&format!("{finding}: {}", chain(&error)))?;
            }
        }
    }
    Ok(match left {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

/// The findings in columns, with their remedies.
fn table(findings: &[Finding]) -> String {
    let head = ["PROBLEM", "POD", "KIND", "ID", "REMEDY", "SEEN"].map(str::to_owned);
    let rows = findings.iter().map(|finding| {
        [
            finding.problem.as_str().to_owned(),
            match finding.pod.as_str() {
                "" => "-".to_owned(),
                pod => pod.to_owned(),
            },
            finding.kind.clone(),
            finding.id.clone(),
            finding.remedy.to_string(),
            finding.detail.clone(),
        ]
    });
    let lines: Vec<[String; 6]> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..6).map(width).collect();
    let text = lines.iter().map(|line| {
        let cells = line.iter().zip(&widths);
        let padded: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        padded.join("  ").trim_end().to_owned()
    });
    text.collect::<Vec<_>>().join("\n")
}
