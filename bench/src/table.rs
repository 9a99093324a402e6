//! The one table: each figure with its target and whether it is reached.

/// Prints the head.
pub fn head() {
    println!("| figure | value | target | |");
    println!("| --- | --- | --- | --- |");
}

/// A figure without a target.
pub fn row(figure: &str, value: impl std::fmt::Display) {
    println!("| {figure} | {value} | | |");
}

/// A figure with a target: reached, or not.
pub fn target(figure: &str, value: impl std::fmt::Display, target: &str, reached: bool) {
    println!("| {figure} | {value} | {target} | {} |", if reached { "reached" } else { "**missed**" });
}

/// What could not be measured, and why.
pub fn without(figure: &str, why: &str) {
    println!("| {figure} | not measured: {why} | | |");
}
