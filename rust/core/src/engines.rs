//! Token ids as JSON, for engines that are servers: the larger part of what they are sent.

use crate::Error;

const DIGITS: &[u8; 200] = b"0001020304050607080910111213141516171819\
2021222324252627282930313233343536373839\
4041424344454647484950515253545556575859\
6061626364656667686970717273747576777879\
8081828384858687888990919293949596979899";

/// Bytes that [`write_json`] writes of some prompts: `[[1,2],[3]]`, without white space.
///
/// ```
/// use judgefast_core::engines::{json_size, write_json};
///
/// let prompts: [&[i32]; 2] = [&[1, 20], &[300]];
/// let mut json = vec![0; json_size(&prompts, 1000).unwrap()];
/// write_json(&prompts, &mut json);
/// assert_eq!(json, b"[[1,20],[300]]");
/// ```
///
/// # Errors
///
/// [`Error::OutOfRange`] names the first prompt that holds an id below 0 or not below
/// `vocabulary`, or no id at all.
pub fn json_size(prompts: &[&[i32]], vocabulary: i32) -> Result<usize, Error> {
    let mut size = 2 + prompts.len().saturating_sub(1);
    for (row, ids) in prompts.iter().enumerate() {
        if ids.is_empty() {
            let value = "no ids".to_owned();
            return Err(Error::OutOfRange {
                column: "prompts",
                row,
                value,
                allowed: "one and more",
            });
        }
        size += 2 + ids.len() - 1;
        let mut is_outside = false;
        for &id in *ids {
            is_outside |= id < 0 || id >= vocabulary;
            size += digits(id.unsigned_abs());
        }
        if is_outside {
            let outside = ids.iter().find(|&&id| id < 0 || id >= vocabulary);
            let value = outside.map_or_else(String::new, |id| format!("the id {id}"));
            let allowed = "ids of the vocabulary";
            return Err(Error::OutOfRange { column: "prompts", row, value, allowed });
        }
    }
    Ok(size)
}

/// Write prompts that [`json_size`] has passed into as many bytes as it said.
///
/// # Panics
///
/// Where `json` is of another size, or an id is below 0.
pub fn write_json(prompts: &[&[i32]], json: &mut [u8]) {
    let mut place = 0;
    let mut put = |byte: u8, place: &mut usize| {
        json[*place] = byte;
        *place += 1;
    };
    put(b'[', &mut place);
    for (row, ids) in prompts.iter().enumerate() {
        if row > 0 {
            put(b',', &mut place);
        }
        put(b'[', &mut place);
        for (index, &id) in ids.iter().enumerate() {
            if index > 0 {
                put(b',', &mut place);
            }
            let mut rest = id.unsigned_abs();
            let width = digits(rest);
            let mut end = width;
            let mut text = [0_u8; 10];
            while rest >= 10 {
                let pair = (rest % 100) as usize * 2;
                text[end - 2..end].copy_from_slice(&DIGITS[pair..pair + 2]);
                rest /= 100;
                end -= 2;
            }
            if end > 0 {
                text[0] = DIGITS[rest as usize * 2 + 1];
            }
            for &digit in &text[..width] {
                put(digit, &mut place);
            }
        }
        put(b']', &mut place);
    }
    put(b']', &mut place);
    assert_eq!(place, json.len(), "the size of the text of some prompts");
}

/// Decimal digits of a number.
const fn digits(number: u32) -> usize {
    match number {
        0..=9 => 1,
        10..=99 => 2,
        100..=999 => 3,
        1_000..=9_999 => 4,
        10_000..=99_999 => 5,
        100_000..=999_999 => 6,
        1_000_000..=9_999_999 => 7,
        10_000_000..=99_999_999 => 8,
        100_000_000..=999_999_999 => 9,
        _ => 10,
    }
}
