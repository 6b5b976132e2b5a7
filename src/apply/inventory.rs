//! Every object that may be in a cluster because of a product, with what proves that it is still as
//! it was applied. Decides what can be skipped; what may be deleted is for `prune`.

use super::identity::ObjectId;

/// One object of an inventory.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Which object.
    #[serde(flatten)]
    pub id: ObjectId,
    /// The API version it was last applied in, without the group.
    pub version: String,
    /// Its UID, once it was seen there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// What proves that it is unchanged, once it was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// What the last apply of an object left behind.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Proof {
    /// The resourceVersion that the apply answered.
    pub rv: String,
    /// A short hash of our whole managedFields entry, its time included.
    pub own: String,
    /// A short keyed hash of what was sent.
    pub sent: String,
}

/// The objects of one product.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Inventory {
    /// By which algorithm the hashes were made; those of another one prove nothing.
    pub hashing: u32,
    /// The objects, in order of identity.
    pub entries: Vec<Entry>,
}
