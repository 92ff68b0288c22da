//! Faults: what happens to nodes, and when.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::Nodes;
use crate::signal::{self, Signal};

/// How long a node is frozen: longer than the others wait for a word of it.
const FROZEN: Duration = Duration::from_secs(5);

/// How long a node that is told to stop may take; it gives its connections 10 s.
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// What happens to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It is ended at once, without a word.
    Killed,
    /// It is told to stop.
    Stopped,
    /// It holds still, and goes on as if nothing had been.
    Frozen,
}

const IN_TURN: [Fault; 3] = [Fault::Killed, Fault::Frozen, Fault::Stopped];

/// Which faults are to come. The first node is spared, so that there is one that lives through all.
pub(super) struct Faults {
    every: Duration,
    gone: Duration,
    end: Duration,
    /// How many there have been.
    count: usize,
    /// The node that is to be back at this time.
    back: Option<(Duration, usize, Fault)>,
}

impl Faults {
    pub(super) fn new(every: Duration, gone: Duration, end: Duration) -> Self {
        Self {
            every,
            gone,
            end,
            count: 0,
            back: None,
        }
    }

    /// Does what is due, and says what it was.
    pub(super) fn due(&mut self, now: Duration, nodes: &mut Nodes<'_>) -> Result<Option<Value>> {
        let (what, number) = if let Some((at, number, fault)) = self.back {
            if now < at {
                return Ok(None);
            }
            self.back = None;
            match fault {
                Fault::Frozen => signal::send(Signal::Continue, nodes.running(number)?.pid()),
                Fault::Killed | Fault::Stopped => nodes.start_again(number)?,
            }
            ("back", number)
        } else {
            let Some((number, fault)) = self.next(now, nodes.all.len()) else {
                return Ok(None);
            };
            self.strike(fault, number, nodes)?;
            let for_long = if fault == Fault::Frozen {
                FROZEN
            } else {
                self.gone
            };
            self.back = Some((now + for_long, number, fault));
            (fault.name(), number)
        };
        let (seconds, node) = (now.as_secs_f64(), &nodes.all[number].0.name);
        Ok(Some(
            json!({"soak": "fault", "seconds": seconds, "node": node, "what": what}),
        ))
    }

    /// The node and what is to happen to it now. Near the end nothing does, so that it ends whole.
    fn next(&mut self, now: Duration, nodes: usize) -> Option<(usize, Fault)> {
        let due = self.every * u32::try_from(self.count + 1).unwrap_or(u32::MAX);
        if nodes < 2 || now < due || now + self.every.min(self.gone * 2) > self.end {
            return None;
        }
        let fault = IN_TURN[self.count % IN_TURN.len()];
        let number = 1 + self.count % (nodes - 1);
        self.count += 1;
        Some((number, fault))
    }

    fn strike(&self, fault: Fault, number: usize, nodes: &mut Nodes<'_>) -> Result<()> {
        match fault {
            Fault::Frozen => signal::send(Signal::Pause, nodes.running(number)?.pid()),
            Fault::Killed => nodes.kill(number),
            Fault::Stopped => {
                signal::send(Signal::Terminate, nodes.running(number)?.pid());
                if let Some(running) = &mut nodes.all[number].1 {
                    running.has_ended(STOP_WITHIN);
                }
                nodes.kill(number);
            }
        }
        Ok(())
    }
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::Stopped => "stopped",
            Self::Frozen => "frozen",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_comes_to_every_node_but_the_first_and_none_near_the_end() {
        let seconds = Duration::from_secs;
        let mut faults = Faults::new(seconds(10), seconds(2), seconds(95));
        let all: Vec<_> = (0..95)
            .filter_map(|now| faults.next(seconds(now), 3))
            .collect();
        assert_eq!(all.len(), 9);
        for number in [1, 2] {
            for fault in IN_TURN {
                assert!(all.contains(&(number, fault)), "{number} {fault:?}");
            }
        }
        assert!(all.iter().all(|(number, _)| *number != 0));
    }
}
