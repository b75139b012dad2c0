//! Stage 5: the text of a completion becomes a typed verdict, or a typed reason why there is none.
