//! Colours as pixels: red, green, blue and opacity.

use draw::colour::GROUPS;
use wasm_bindgen::prelude::*;

/// The pixels of the colours of groups, the darkest of which is light where the paper is `dark`.
#[wasm_bindgen(js_name = groupColours)]
pub fn group_colours(dark: bool) -> Vec<u8> {
    let seen = |colour: [u8; 3]| {
        if dark && colour.iter().all(|part| *part < 100) {
            colour.map(|part| 255 - part / 2)
        } else {
            colour
        }
    };
    GROUPS.into_iter().flat_map(|colour| opaque(seen(colour))).collect()
}

/// A pixel that nothing shines through.
pub(crate) fn opaque([red, green, blue]: [u8; 3]) -> [u8; 4] {
    [red, green, blue, 255]
}
