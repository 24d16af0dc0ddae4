//! The end of a run: no more troubles. The users delete half of what they have, then the
//! rest, and each time the world has to be in order within two minutes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tricircle_audit::{Auditor, check};

use crate::chaos::book::{Holder, InUse, Kind, Standing, Thing};
use crate::chaos::ending::{Listed, agree, compare, strangers};
use crate::chaos::looks::place;
use crate::chaos::user::User;
use crate::chaos::verdict::Needs;
use crate::http::{list, string};
use crate::simulated::Simulated;
use crate::wait::eventually;

/// How long it may take until all is as it should be.
const LIMIT: Duration = Duration::from_secs(120);

/// How long something may be under way without a job, to the audit: nobody begins
/// anything any more.
const UNDER_WAY: Duration = Duration::from_secs(2);

/// How long it took until everything was in order.
#[derive(Debug, Clone, Copy, Default)]
pub struct Times {
    /// With half of the things left.
    pub half: Duration,
    /// With nothing left.
    pub nothing: Duration,
}

/// Ends the run. `users`: one session of each project.
pub async fn calm(world: &Simulated, users: &mut [User]) -> Times {
    let mut times = Times::default();
    let begun = Instant::now();
    let chosen: Vec<Vec<Thing>> = users.iter_mut().map(half_of).collect();
    join_all(
        users
            .iter()
            .zip(chosen)
            .map(|(u, things)| delete(u, things)),
    )
    .await;
    in_order(world, users, "half is left").await;
    times.half = begun.elapsed();

    let begun = Instant::now();
    for user in &*users {
        adopt(user, &listed(user).await);
    }
    join_all(users.iter().map(|user| delete(user, all_of(user)))).await;
    in_order(world, users, "nothing is left").await;
    nothing_left(world, users).await;
    times.nothing = begun.elapsed();
    times
}

/// Waits until lists, books and pods agree, no job is left and the audit is content; findings if they do not.
async fn in_order(world: &Simulated, users: &[User], when: &str) {
    let ended = eventually(LIMIT, || async {
        let all = join_all(users.iter().map(listed)).await;
        let top: Vec<&Listed> = all.iter().collect();
        let mut wrong = Vec::new();
        for (user, listed) in users.iter().zip(&all) {
            user.run
                .record
                .check("a project has what it was promised, nothing else");
            wrong.extend(compare(&user.book(), listed));
        }
        for pod in &world.pods {
            users[0]
                .run
                .record
                .check("a pod has what the top knows, once");
            wrong.extend(agree(pod.name(), &pod.inventory(), &top));
        }
        wrong.extend(jobs(world).await);
        users[0].run.record.check("the audit finds nothing");
        wrong.extend(audit(world).await);
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(wrong.join("\n")),
        }
    })
    .await;
    report(users, ended, when);
    // What is listed is also there when it is asked for by its id.
    for user in users {
        let there: Vec<Thing> = {
            let book = user.book();
            let there = book.things().filter(|t| t.standing == Standing::There);
            there.cloned().collect()
        };
        for thing in there {
            user.show(&thing).await;
        }
    }
}

/// Waits until no pod has anything of anybody.
async fn nothing_left(world: &Simulated, users: &[User]) {
    let ended = eventually(LIMIT, || async {
        let mut left = Vec::new();
        for pod in &world.pods {
            users[0].run.record.check("a pod is clean");
            let items = pod.inventory().leftovers();
            left.extend(items.iter().map(|item| format!("{}: {item}", pod.name())));
        }
        match left.is_empty() {
            true => Ok(()),
            false => Err(left.join("\n")),
        }
    })
    .await;
    report(users, ended, "the pods are clean");
}

fn report(users: &[User], ended: Result<(), String>, when: &str) {
    if let Err(wrong) = ended {
        for line in wrong.lines() {
            let text = format!("not within {LIMIT:?} after the troubles, {when}: {line}");
            users[0].run.finding(&text);
        }
    }
}

/// What `tricircle-manage check` would say.
async fn audit(world: &Simulated) -> Vec<String> {
    let parts = &world.parts;
    let auditor = Auditor::new(parts.store.clone(), parts.pods.clone(), parts.jobs());
    match auditor.look(UNDER_WAY).await {
        Ok(seen) => check(&seen).iter().map(ToString::to_string).collect(),
        Err(error) => vec![format!("no audit: {error}")],
    }
}

/// Jobs that are not over.
async fn jobs(world: &Simulated) -> Vec<String> {
    let admin = world.admin().await.admin;
    let mut left = Vec::new();
    for state in ["ready", "running", "waiting", "stuck"] {
        let body = admin.get(&format!("/jobs?state={state}")).await;
        let jobs = match body.status {
            200 => list(&body.body, "/jobs").clone(),
            status => return vec![format!("jobs cannot be read: {status} {}", body.text)],
        };
        left.extend(jobs.iter().map(|job| {
            format!(
                "job {} of {} is {state}: {}",
                string(job, "/kind"),
                job["resource_id"],
                job["last_error"]
            )
        }));
    }
    left
}

/// What a project's lists show.
async fn listed(user: &User) -> Listed {
    let mut all = Listed::new();
    for kind in Kind::ALL {
        let (api, path, key) = place(kind);
        let path = match kind {
            Kind::Server | Kind::Volume => format!("{path}/detail"),
            _ => path.to_owned(),
        };
        let call = ("GET", path.as_str());
        let reply = user.call("list at the end", Needs::Top, api, call, None);
        let reply = reply.await;
        user.expect(&reply, &[200]);
        let items = reply.body[key].as_array().cloned().unwrap_or_default();
        let by_id = items
            .into_iter()
            .map(|item| (item["id"].as_str().unwrap_or_default().to_owned(), item));
        all.insert(kind, by_id.collect::<BTreeMap<_, _>>());
    }
    all
}

/// Writes into the book what came of creates that were not answered.
fn adopt(user: &User, listed: &Listed) {
    let mut book = user.book();
    let found: Vec<(Kind, String)> = strangers(&book, listed)
        .into_iter()
        .map(|(kind, item)| (kind, item["id"].as_str().unwrap_or_default().to_owned()))
        .collect();
    for (kind, id) in found {
        let network = |item: &serde_json::Value| Some(item.get("network_id")?.as_str()?.to_owned());
        let item = &listed[&kind][&id];
        book.made(Thing {
            kind,
            id: id.clone(),
            pod: None,
            uses: network(item).into_iter().collect(),
            standing: Standing::Unclear,
            ready: true,
            holder: Holder::Unclear,
        });
    }
}

/// Half of the servers and volumes, and of what nothing that stays uses.
fn half_of(user: &mut User) -> Vec<Thing> {
    let mut chosen = Vec::new();
    let things = all_of(user);
    for kind in Kind::ALL {
        for thing in things.iter().filter(|thing| thing.kind == kind) {
            let stays = |other: &&Thing| {
                !chosen.iter().any(|c: &Thing| c.id == other.id)
                    && (other.uses.contains(&thing.id)
                        || thing.holder == Holder::Server(other.id.clone()))
            };
            let free = !things
                .iter()
                .any(|other| stays(&other) && other.kind != Kind::Subnet);
            // Perhaps by a create that was not answered and was done.
            let perhaps = user
                .book()
                .unmade_things()
                .iter()
                .any(|unmade| unmade.uses.contains(&thing.id));
            // A subnet goes with its network.
            if free && !perhaps && thing.kind != Kind::Subnet && user.dice.percent(50) {
                chosen.push(thing.clone());
            }
        }
    }
    chosen
}

fn all_of(user: &User) -> Vec<Thing> {
    let book = user.book();
    let left = |thing: &&Thing| matches!(thing.standing, Standing::There | Standing::Unclear);
    book.things().filter(left).cloned().collect()
}

/// Deletes things, again and again until each is answered: a network waits until the
/// servers on it are gone.
async fn delete(user: &User, things: Vec<Thing>) {
    let ended = eventually(LIMIT, || async {
        let mut left = Vec::new();
        for kind in Kind::ALL {
            for thing in things.iter().filter(|thing| thing.kind == kind) {
                let standing = user.book().thing(&thing.id).map(|known| known.standing);
                if !matches!(standing, Some(Standing::There | Standing::Unclear)) {
                    continue;
                }
                // What is sure to be refused is another test's subject.
                if kind == Kind::Network && user.book().in_use(&thing.id) == InUse::Yes {
                    left.push(format!("{} {} is used", kind.name(), thing.id));
                    continue;
                }
                user.delete(thing).await;
                let standing = user.book().thing(&thing.id).map(|known| known.standing);
                if matches!(standing, Some(Standing::There | Standing::Unclear)) {
                    left.push(format!("{} {} cannot be deleted", kind.name(), thing.id));
                }
            }
        }
        match left.is_empty() {
            true => Ok(()),
            false => Err(left.join("\n")),
        }
    })
    .await;
    report(std::slice::from_ref(user), ended, "deleting");
}
