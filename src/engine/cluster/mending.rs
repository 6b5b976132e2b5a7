//! Asking a cluster whether an apply would put an object back: a dry run, of which the server keeps
//! nothing. What the answer means is in `apply::mending`.

use http::Method;

use crate::apply::drift::LostField;
use crate::apply::mending::{DryRun, Mending};
use crate::render::MASK;

use super::Cluster;
use super::apply::is_recreated;
use super::discovery::Resource;
use super::objects::Piece;
use super::wire::{APPLY, Ask, METADATA, escape};

impl Cluster {
    /// What an apply would do about an object of which `lost` was changed. It takes fields over, to see
    /// further than who owns them. Never an error: what can't be asked is an answer too.
    pub(super) async fn mending(
        &self,
        piece: &Piece,
        resource: &Resource,
        manager: &str,
        lost: &[LostField],
    ) -> Mending {
        if piece.payload.to_string().contains(MASK) {
            let why = "it holds values that come by reference, and those are not read here".to_owned();
            return Mending::NotTried { why };
        }
        let path = format!(
            "{}?dryRun=All&force=true&fieldValidation=Strict&fieldManager={}",
            resource.path(&piece.id),
            escape(manager)
        );
        let ask = Ask::write(Method::PATCH, path, &piece.payload).content(APPLY).accept(METADATA);
        let answer = match self.ask(&ask, None, self.soon()).await {
            Ok(answer) => answer,
            Err(error) => return Mending::NotTried { why: error.message },
        };
        let causes: Vec<(&str, &str, &str)> = answer.causes().collect();
        let answer = DryRun { code: answer.code, message: answer.message(), causes: &causes };
        let mending = answer.mending(lost, is_recreated(&piece.id));
        if piece.id.is("", "Secret") { mending.without_words() } else { mending }
    }
}
