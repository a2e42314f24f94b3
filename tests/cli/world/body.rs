//! The body of an answer, which may break off or hang.

use http::Response;
use http_body::Frame;
use kube::client::Body as Whole;
use std::pin::Pin;
use std::task::{Context, Poll};

/// What comes after the last byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Orderly,
    Breaks,
    Hangs,
}

pub struct Body {
    whole: Whole,
    end: End,
}

impl Body {
    /// The end is an extension of the answer.
    pub fn of(answer: Response<Whole>) -> Response<Self> {
        let end = answer.extensions().get().copied().unwrap_or(End::Orderly);
        answer.map(|whole| Self { whole, end })
    }
}

impl http_body::Body for Body {
    type Data = <Whole as http_body::Body>::Data;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match Pin::new(&mut self.whole).poll_frame(context) {
            Poll::Ready(None) if self.end == End::Hangs => Poll::Pending,
            Poll::Ready(None) if self.end == End::Breaks => {
                self.end = End::Orderly;
                Poll::Ready(Some(Err("the connection was reset".into())))
            }
            other => other.map(|frame| frame.map(|frame| frame.map_err(Into::into))),
        }
    }
}
