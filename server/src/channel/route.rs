//! Which channel serves which topic.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::actor;
use super::{Channel, Link, Payload, Reference};

/// A join that goes on.
pub(crate) type Joining = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Makes channels of one type.
pub(crate) trait Route: Send + Sync {
    fn join(&self, link: Link, reference: Reference, params: Payload) -> Joining;
}

impl<C: Channel, F: Fn() -> C + Send + Sync + 'static> Route for Arc<F> {
    fn join(&self, link: Link, reference: Reference, params: Payload) -> Joining {
        let make = Arc::clone(self);
        Box::pin(actor::join(move || make(), link, reference, params))
    }
}

/// Topic patterns and their channels, in the order of declaration.
#[derive(Default)]
pub(crate) struct Routes(Vec<(Pattern, Box<dyn Route>)>);

impl Routes {
    pub(crate) fn add<C: Channel>(
        &mut self,
        pattern: &str,
        make: impl Fn() -> C + Send + Sync + 'static,
    ) {
        let route = Box::new(Arc::new(make));
        self.0.push((Pattern::new(pattern), route));
    }

    /// The channel of the first pattern that matches.
    pub(crate) fn find(&self, topic: &str) -> Option<&dyn Route> {
        let (_, route) = self.0.iter().find(|(pattern, _)| pattern.matches(topic))?;
        Some(&**route)
    }
}

/// A topic, or with a `*` at its end all topics that begin with the rest.
enum Pattern {
    Exactly(Box<str>),
    Prefix(Box<str>),
}

impl Pattern {
    /// # Panics
    /// If there is a `*` elsewhere than at the end, which Phoenix refuses as well.
    fn new(pattern: &str) -> Self {
        let (text, is_prefix) = match pattern.strip_suffix('*') {
            Some(prefix) => (prefix, true),
            None => (pattern, false),
        };
        assert!(
            !text.contains('*'),
            "topic pattern {pattern:?}: a `*` may only stand at the end"
        );
        if is_prefix {
            Self::Prefix(text.into())
        } else {
            Self::Exactly(text.into())
        }
    }

    fn matches(&self, topic: &str) -> bool {
        match self {
            Self::Exactly(text) => topic == &**text,
            Self::Prefix(prefix) => topic.starts_with(&**prefix),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn a_pattern_without_a_star_matches_only_itself() {
        let pattern = Pattern::new("room:1");
        assert!(pattern.matches("room:1"));
        assert!(!pattern.matches("room:12"));
        assert!(!pattern.matches("room:"));
    }

    #[test]
    fn a_star_matches_any_rest_and_also_none() {
        let pattern = Pattern::new("room:*");
        assert!(pattern.matches("room:1"));
        assert!(pattern.matches("room:"));
        assert!(pattern.matches("room:a*b"));
        assert!(!pattern.matches("rooms:1"));
        assert!(Pattern::new("*").matches("anything"));
    }

    #[test]
    #[should_panic = "a `*` may only stand at the end"]
    fn a_star_in_the_middle_is_refused() {
        Pattern::new("room:*:x");
    }
}
