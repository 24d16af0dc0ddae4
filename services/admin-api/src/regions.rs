//! Pods by the names that operators know them by.

use std::collections::HashMap;

use tricircle_api::Fault;

use crate::state::State;

/// Region names by pod id.
#[derive(Debug, Clone, Default)]
pub(crate) struct Regions(HashMap<String, String>);

impl Regions {
    pub(crate) async fn read(state: &State) -> Result<Self, Fault> {
        let pods = state.store.pods_all().await?;
        let named = pods
            .into_iter()
            .map(|view| (view.pod.id, view.pod.region_name));
        Ok(Self(named.collect()))
    }

    /// The region of a pod; `None` for one that is not registered.
    pub(crate) fn of(&self, pod_id: &str) -> Option<&str> {
        self.0.get(pod_id).map(String::as_str)
    }

    /// The id of a pod, by its id or its region's name.
    pub(crate) fn id(&self, pod: &str) -> Result<&str, Fault> {
        let mut all = self.0.iter();
        let found = all.find(|(id, region)| *id == pod || *region == pod);
        found
            .map(|(id, _)| id.as_str())
            .ok_or_else(|| Fault::bad_request(format!("There is no pod {pod}.")))
    }
}

#[cfg(test)]
impl FromIterator<(String, String)> for Regions {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(pods: T) -> Self {
        Self(pods.into_iter().collect())
    }
}
