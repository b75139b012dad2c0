//! The name and the length of a prompt, from its segments: it is never put together.

use std::ops::Range;

use super::trie::{Segments, Trie};
use crate::error::Error;
use crate::hashes::Framed;

/// What a plan keeps of each prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measures {
    /// `framed("judgefast ids 1", [ids as int32-LE])`, the first 16 bytes a row, joined.
    pub ids_hash: Vec<u8>,
    /// Tokens of each prompt.
    pub prompt_tokens: Vec<i32>,
}

/// Hash and count the token ids of each prompt.
///
/// # Errors
///
/// [`Error::Overflow`] where a prompt has more than 2^31 - 1 tokens.
pub fn measure(segments: &Segments<'_>) -> Result<Measures, Error> {
    let bytes: Vec<u8> = segments.ids().iter().flat_map(|id| id.to_le_bytes()).collect();
    let trie = Trie::new(segments);
    let mut first = vec![None; trie.len()];
    let mut ids_hash = Vec::with_capacity(KEY * segments.len());
    let mut prompt_tokens = Vec::with_capacity(segments.len());
    for (row, &end) in trie.ends.iter().enumerate() {
        if let Some(equal) = first[end as usize] {
            ids_hash.extend_from_within(KEY * equal..KEY * (equal + 1));
            prompt_tokens.push(prompt_tokens[equal]);
            continue;
        }
        first[end as usize] = Some(row);
        let prompt = segments.row(row);
        let tokens: usize = prompt.iter().map(|&segment| segments.tokens(segment)).sum();
        let count = i32::try_from(tokens).map_err(|_| Error::Overflow { column: "prompt_tokens" });
        prompt_tokens.push(count?);
        let mut hash = Framed::new("judgefast ids 1");
        hash.push_joined(prompt.iter().map(|&segment| {
            let Range { start, end } = segments.span_of(segment);
            &bytes[ID * start..ID * end]
        }));
        ids_hash.extend_from_slice(&hash.key());
    }
    Ok(Measures { ids_hash, prompt_tokens })
}

/// Bytes of a hash of a prompt.
const KEY: usize = 16;

/// Bytes of a token id.
const ID: usize = 4;
