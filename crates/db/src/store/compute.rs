//! Methods of [`Store`]: compute.

use super::*;
use crate::models::*;

store! {
    compute {
        /// Flavor create.
        write flavor_create(flavor: &Flavor) -> ();
        /// The flavors that a project may see; all of them when no project is given.
        read flavors(visible_to: Option<&str>) -> Vec<Flavor>;
        /// Flavor by flavor id.
        read flavor_by_flavor_id(flavor_id: &str) -> Option<Flavor>;
        /// Flavor delete.
        transaction flavor_delete(flavor_id: &str) -> bool;
        /// Flavor set extra specs.
        write flavor_set_extra_specs(flavor_id: &str, extra_specs: &str) -> bool;
        /// Flavor set description.
        write flavor_set_description(flavor_id: &str, description: Option<&str>) -> bool;
        /// Flavor access list.
        read flavor_access_list(flavor_id: &str) -> Vec<String>;
        /// Flavor access add.
        write flavor_access_add(flavor_id: &str, project_id: &str) -> ();
        /// Flavor access remove.
        write flavor_access_remove(flavor_id: &str, project_id: &str) -> bool;
        /// Keypair create.
        write keypair_create(keypair: &Keypair) -> ();
        /// Keypairs.
        read keypairs(user_id: &str) -> Vec<Keypair>;
        /// Keypair by name.
        read keypair_by_name(user_id: &str, name: &str) -> Option<Keypair>;
        /// Keypair delete.
        write keypair_delete(user_id: &str, name: &str) -> bool;
    }
}
