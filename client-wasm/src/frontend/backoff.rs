//! How long to wait before the next try: a schedule, and chance.

use std::time::Duration;

use herenow_core::client::Schedule;

/// By how much of itself a delay is shortened at most, if nobody says otherwise: by half.
pub const JITTER: f64 = 0.5;

/// The delay before each try; the first is number 1.
pub(super) type Delays = Box<dyn Fn(u32) -> Duration>;

/// The delays of one of core's schedules.
pub(super) fn scheduled(schedule: Schedule) -> Delays {
    Box::new(move |tries| match &schedule {
        Schedule::Steps { steps, then } => {
            let index = tries.saturating_sub(1) as usize;
            Duration::from_millis(steps.get(index).copied().unwrap_or(*then))
        }
        Schedule::Ask => Duration::ZERO,
    })
}

/// `delay` without up to `jitter` of it, as `random` (from 0 up to 1) has it, in ms.
pub(super) fn shortened(delay: Duration, jitter: f64, random: f64) -> u64 {
    let kept = 1.0 - jitter.clamp(0.0, 1.0) * random;
    (delay.as_millis() as f64 * kept).round() as u64
}
