//! Places in lists: opaque to clients, and good only for the list that gave them out.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq as _;

use super::Core;
use crate::port::KeyPurpose;

/// How much of the keyed hash a cursor carries.
const MAC_BYTES: usize = 16;

impl Core {
    /// The cursor of a position in the list that the parts of `list` name.
    pub(super) fn cursor(&self, list: &[&[u8]], position: i64) -> String {
        let position = position.to_be_bytes();
        let mac = self.cursor_mac(list, &position);
        URL_SAFE_NO_PAD.encode([&position[..], &mac].concat())
    }

    /// The position of a cursor; `None` unless that very list gave it out.
    pub(super) fn read_cursor(&self, list: &[&[u8]], cursor: &str) -> Option<i64> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (position, mac) = bytes.split_first_chunk::<8>()?;
        let expected = self.cursor_mac(list, position);
        bool::from(expected.as_slice().ct_eq(mac)).then(|| i64::from_be_bytes(*position))
    }

    fn cursor_mac(&self, list: &[&[u8]], position: &[u8]) -> Vec<u8> {
        let parts = [list, &[position]].concat();
        self.ports.keyed_hash.mac(KeyPurpose::Cursor, &parts)[..MAC_BYTES].to_vec()
    }
}
