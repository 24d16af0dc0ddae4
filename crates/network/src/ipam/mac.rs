//! MAC addresses, and IPv6 addresses that follow from them.

use std::net::Ipv6Addr;

use ipnet::Ipv6Net;
use tricircle_config::BaseMac;

/// A random MAC address: three octets of the base stay, the fourth too unless it
/// is zero. The rest comes from `random`.
pub fn random_mac(base: BaseMac, random: [u8; 3]) -> String {
    let [a, b, c, fourth, ..] = base.0;
    let [x, y, z] = random;
    let fourth = if fourth == 0 { x } else { fourth };
    format!("{a:02x}:{b:02x}:{c:02x}:{fourth:02x}:{y:02x}:{z:02x}")
}

/// The address that stateless configuration gives an interface on a prefix.
/// `None` when `mac` is no MAC address.
pub fn eui64(prefix: Ipv6Net, mac: &str) -> Option<Ipv6Addr> {
    let octets: Vec<u8> = mac
        .split(':')
        .map(|word| u8::from_str_radix(word, 16))
        .collect::<Result<_, _>>()
        .ok()?;
    let [a, b, c, d, e, f] = *octets.as_slice() else {
        return None;
    };
    let interface = u64::from_be_bytes([a ^ 0x02, b, c, 0xff, 0xfe, d, e, f]);
    Some(Ipv6Addr::from(
        u128::from(prefix.network()) | u128::from(interface),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_stays_in_front() {
        let base = |text: &str| text.parse::<BaseMac>().unwrap();
        assert_eq!(
            random_mac(base("fa:16:3e:00:00:00"), [1, 2, 255]),
            "fa:16:3e:01:02:ff"
        );
        assert_eq!(
            random_mac(base("fa:16:3e:4f:00:00"), [1, 2, 255]),
            "fa:16:3e:4f:02:ff"
        );
    }

    #[test]
    fn eui64_flips_the_local_bit_and_fills_the_middle() {
        let prefix = "2001:db8::/64".parse().unwrap();
        assert_eq!(
            eui64(prefix, "00:16:3e:33:44:55").unwrap().to_string(),
            "2001:db8::216:3eff:fe33:4455"
        );
        assert_eq!(eui64(prefix, "00:16:3e"), None);
    }
}
