//! Keypairs: owned at the top, made in a pod, for the user, when first needed there.

use serde_json::{Value, json};
use tricircle_api::Fault;
use tricircle_db::models::{Keypair, Realization, RealizationKind, RealizationState};
use tricircle_failpoint::hit;
use tricircle_gateway::pod_fault;
use tricircle_pods::{PodSession, Service};

use crate::Compute;
use crate::flavors::segment;

impl Compute {
    /// The user's keypair; Nova's 400 when there is none of that name.
    pub(crate) async fn usable_keypair(&self, user_id: &str, name: &str) -> Result<Keypair, Fault> {
        self.store
            .keypair_by_name(user_id, name)
            .await?
            .ok_or_else(|| Fault::bad_request("Invalid key_name provided."))
    }

    /// Makes sure that a pod has the user's keypair. `user` is the user's session
    /// without microversion: keypairs belong to who makes them.
    pub(crate) async fn ensure_keypair(
        &self,
        user: &PodSession,
        keypair: &Keypair,
    ) -> Result<(), Fault> {
        let pod_id = user.pod().id().to_owned();
        let top_id = format!("{}/{}", keypair.user_id, keypair.name);
        let intent = Realization::intent(RealizationKind::Keypair, &top_id, &pod_id, "");
        let row = self.store.realization_claim(&intent).await?;
        hit("realize_keypair.intended");
        if row.state == RealizationState::Present && row.digest == keypair.id {
            return Ok(());
        }
        let user = user.clone().at_compute_version("2.2");
        let path = format!("/os-keypairs/{}", segment(&keypair.name));
        let there = match user.get_json(Service::Compute, &path).await {
            Ok(body) => body
                .pointer("/keypair/public_key")
                .and_then(Value::as_str)
                .map(|key| key.trim() == keypair.public_key.trim()),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(pod_fault(error)),
        };
        if there == Some(false) {
            // The one that was made at the top is what the user sees and means.
            user.delete(Service::Compute, &path)
                .await
                .map_err(pod_fault)?;
        }
        if there != Some(true) {
            let body = json!({"keypair": {
                "name": keypair.name, "public_key": keypair.public_key, "type": keypair.key_type,
            }});
            match user
                .post_json(Service::Compute, "/os-keypairs", &body)
                .await
            {
                Ok(_) => {}
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(pod_fault(error)),
            }
        }
        hit("realize_keypair.posted");
        self.store
            .realization_present(&row.id, &keypair.name, &keypair.id, &json!({}))
            .await?;
        Ok(())
    }

    /// Removes a keypair from a pod that the top knows nothing of. `user` is the user's
    /// session.
    pub async fn remove_stray_keypair(&self, user: &PodSession, name: &str) -> Result<(), Fault> {
        let path = format!("/os-keypairs/{}", segment(name));
        match user.delete(Service::Compute, &path).await {
            Err(error) if !error.is_not_found() => Err(pod_fault(error)),
            _ => Ok(()),
        }
    }

    /// Removes a deleted keypair from the pods that have it. What cannot be removed now
    /// stays behind as the user's own in that pod, where the top does not see it.
    pub async fn remove_keypair(
        &self,
        call: &tricircle_gateway::Call,
        name: &str,
    ) -> Result<(), Fault> {
        let top_id = format!("{}/{name}", call.context.user_id);
        let rows = self
            .store
            .realizations_of(RealizationKind::Keypair, &top_id)
            .await?;
        for row in rows {
            if let Ok(user) = call.gateway.pods.session(&row.pod_id, &call.caller()) {
                let path = format!("/os-keypairs/{}", segment(name));
                if let Err(error) = user.delete(Service::Compute, &path).await
                    && !error.is_not_found()
                {
                    tracing::warn!(%error, "a keypair could not be removed from a pod");
                }
            }
            self.store.realization_delete(&row.id).await?;
        }
        Ok(())
    }
}
