//! Whether a project exists, as far as the caller may know.

use tricircle_api::Fault;
use tricircle_gateway::Call;

/// Nova's 400 for a project that Keystone does not have. Keystone is asked as the user;
/// who may not know is believed, and so is everybody while Keystone cannot say.
pub(crate) async fn require_known(call: &Call, project_id: &str) -> Result<(), Fault> {
    if project_id == call.context.project_id {
        return Ok(());
    }
    let keystone = call.gateway.pods.keystone();
    let token = &call.context.auth_token;
    match keystone.project_exists(token, project_id).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Fault::bad_request(format!(
            "Project ID {project_id} is not a valid project."
        ))),
        Err(error) => {
            tracing::info!(%error, "Keystone could not be asked for a project");
            Ok(())
        }
    }
}
