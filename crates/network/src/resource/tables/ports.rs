//! Ports, with bindings, security groups, address pairs and DHCP options.

use super::{
    NAME, created_at, description, id, name, project_id, revision_number, tenant_id, updated_at,
};
use crate::resource::convert::{boolean, list_or_empty, mac, map_or_empty, text_or_empty};
use crate::resource::table::{Attribute, Check, Match, Preset, Resource};
use crate::resource::validate_network::{address_pairs, dhcp_options, fixed_ips, mac_or_null};

/// The kinds of virtual NIC that Neutron knows.
const VNIC_TYPES: &[&str] = &[
    "normal",
    "direct",
    "macvtap",
    "baremetal",
    "direct-physical",
    "virtio-forwarder",
    "smart-nic",
    "vdpa",
    "accelerator-direct",
    "accelerator-direct-physical",
    "remote-managed",
];

/// Ports.
pub static PORT: Resource = Resource {
    name: "port",
    collection: "ports",
    path: "ports",
    missing: ("PortNotFound", "Port ", " could not be found."),
    attributes: &[
        id(),
        name(),
        Attribute::fixed("network_id", Preset::Required)
            .keyed()
            .check(Check::Uuid),
        tenant_id(),
        project_id(),
        Attribute::changeable("admin_state_up", Preset::Bool(true))
            .keyed()
            .read_by(boolean),
        Attribute::changeable("mac_address", Preset::Unset)
            .keyed()
            .read_by(mac)
            .check(Check::By(mac_or_null))
            .enforced(),
        Attribute::shown("status").keyed(),
        Attribute::changeable("fixed_ips", Preset::Unset)
            .filter_as(Match::FixedIps)
            .check(Check::By(fixed_ips))
            .enforced(),
        Attribute::changeable("device_id", Preset::Text(""))
            .keyed()
            .check(Check::Text(NAME))
            .enforced(),
        Attribute::changeable("device_owner", Preset::Text(""))
            .keyed()
            .check(Check::Text(NAME))
            .enforced(),
        Attribute::changeable("security_groups", Preset::Unset)
            .filter()
            .read_by(list_or_empty)
            .check(Check::UuidList),
        Attribute::changeable("allowed_address_pairs", Preset::Unset)
            .read_by(list_or_empty)
            .check(Check::By(address_pairs))
            .enforced(),
        Attribute::changeable("extra_dhcp_opts", Preset::Unset).check(Check::By(dhcp_options)),
        Attribute::changeable("port_security_enabled", Preset::Unset)
            .filter()
            .read_by(boolean)
            .enforced(),
        Attribute::changeable("binding:vnic_type", Preset::Text("normal"))
            .filter()
            .check(Check::OneOf(VNIC_TYPES))
            .enforced(),
        Attribute::changeable("binding:host_id", Preset::Unset)
            .filter()
            .read_by(text_or_empty)
            .check(Check::Text(NAME))
            .enforced()
            .shown_by_rule(),
        Attribute::changeable("binding:profile", Preset::Unset)
            .read_by(map_or_empty)
            .check(Check::MapOrNull)
            .enforced()
            .shown_by_rule(),
        Attribute::shown("binding:vif_type").shown_by_rule(),
        Attribute::shown("binding:vif_details").shown_by_rule(),
        description(),
        created_at(),
        updated_at(),
        revision_number(),
    ],
};
