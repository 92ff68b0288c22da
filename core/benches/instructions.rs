//! One run of each piece of work, or of the one that is named, for callgrind to count: see `cargo xtask
//! instructions`.

use std::any::Any;

mod work;

fn main() {
    let named = std::env::args().nth(1).filter(|name| name != "--bench");
    let chosen = |work: &&work::Work| named.as_ref().is_none_or(|name| name == work.name);
    for work in work::ALL.iter().filter(chosen) {
        println!("{}", work.name);
        drop(counted((work.prepare)()));
    }
}

/// Callgrind counts what goes on in here, by its name.
#[inline(never)]
fn counted(run: work::Run) -> Box<dyn Any> {
    run()
}
