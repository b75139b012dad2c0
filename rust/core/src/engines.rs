//! Token ids as JSON, for engines that are servers: the larger part of what they are sent.

use crate::Error;

/// Four digits of every number below 10,000, leading zeros among them.
static FOUR: [[u8; 4]; 10_000] = four_digits();

/// The width of the widest id: bytes that the fast way may touch.
const WIDEST: usize = 8;

/// Ids that are compared, and copied, together.
const BLOCK: usize = 32;

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
        let mut more_digits = 0_u32;
        for &id in *ids {
            is_outside |= id < 0 || id >= vocabulary;
            more_digits += more_than_one_digit(id);
        }
        size += ids.len() + more_digits as usize;
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
    let mut before = 0;
    put(json, &mut place, b'[');
    for (row, ids) in prompts.iter().enumerate() {
        if row > 0 {
            put(json, &mut place, b',');
        }
        put(json, &mut place, b'[');
        let start = place;
        let shared = row.checked_sub(1).map_or(0, |before| shared_head(prompts[before], ids));
        if shared > 0 {
            let digits = ids[..shared].iter().map(|&id| more_than_one_digit(id)).sum::<u32>();
            let size = 2 * shared - 1 + digits as usize;
            json.copy_within(before..before + size, place);
            place += size;
        }
        before = start;
        for (index, &id) in ids.iter().enumerate().skip(shared) {
            if index > 0 {
                put(json, &mut place, b',');
            }
            place += write_id(id, &mut json[place..]);
        }
        put(json, &mut place, b']');
    }
    put(json, &mut place, b']');
    assert_eq!(place, json.len(), "the size of the text of some prompts");
}

/// Ids with which two prompts begin alike, in whole blocks: the rubric, the item's texts. They are
/// copied as they were written.
fn shared_head(one: &[i32], other: &[i32]) -> usize {
    let blocks = one.chunks_exact(BLOCK).zip(other.chunks_exact(BLOCK));
    BLOCK * blocks.take_while(|(mine, theirs)| mine == theirs).count()
}

fn put(json: &mut [u8], place: &mut usize, byte: u8) {
    json[*place] = byte;
    *place += 1;
}

/// Write an id at the beginning of `json`, and say how many bytes that took.
fn write_id(id: i32, json: &mut [u8]) -> usize {
    let number = id.unsigned_abs() as usize;
    let width = ((number as u64 + WIDTHS[(number | 1).ilog2() as usize]) >> 32) as usize;
    if number < 100_000_000 && json.len() >= WIDEST {
        // What is written too far is written over by what follows.
        let (high, low) = (FOUR[number / 10_000], FOUR[number % 10_000]);
        let both = [high[0], high[1], high[2], high[3], low[0], low[1], low[2], low[3]];
        let shifted = u64::from_le_bytes(both) >> (8 * (WIDEST - width));
        json[..WIDEST].copy_from_slice(&shifted.to_le_bytes());
        return width;
    }
    let mut rest = number;
    for digit in json[..width].iter_mut().rev() {
        *digit = FOUR[rest % 10][3];
        rest /= 10;
    }
    width
}

/// By the place of the highest bit: the digits of such numbers in the upper half, and in the lower
/// one what makes it carry from where on a number has one digit more.
static WIDTHS: [u64; 32] = widths();

const fn widths() -> [u64; 32] {
    let mut table = [0; 32];
    let mut bit = 0;
    while bit < 32 {
        let (least, mut digits, mut power) = (1_u64 << bit, 1, 10_u64);
        while power <= least {
            digits += 1;
            power *= 10;
        }
        let carries = power < 2 * least;
        table[bit] = if carries { ((digits + 1) << 32) - power } else { digits << 32 };
        bit += 1;
    }
    table
}

/// Decimal digits of an id but the last.
fn more_than_one_digit(id: i32) -> u32 {
    const STEPS: [i32; 9] =
        [9, 99, 999, 9_999, 99_999, 999_999, 9_999_999, 99_999_999, 999_999_999];
    STEPS.iter().map(|&step| u32::from(id > step)).sum()
}

#[allow(clippy::large_stack_arrays, reason = "it is on no stack: made when this is compiled")]
const fn four_digits() -> [[u8; 4]; 10_000] {
    let mut table = [[b'0'; 4]; 10_000];
    let mut number = 0;
    while number < 10_000 {
        let mut rest = number;
        let mut place = 4;
        while place > 0 {
            place -= 1;
            table[number][place] = b"0123456789"[rest % 10];
            rest /= 10;
        }
        number += 1;
    }
    table
}
