//! stub while render is being written
use crate::apply::{ProductSet, Rendered};
use crate::catalog::product::Content;
use crate::model::JobTest;
use crate::plan::{Plan, PlannedCluster, Target};
use crate::port::{Fault, Renderer};
use super::secrets::Values;
pub async fn product(_: &dyn Renderer, _: &Plan, _: &PlannedCluster, _: &Target, _: &Content, _: &Values) -> Result<ProductSet, Fault> { Err(Fault::permanent("")) }
pub fn job(_: &Plan, _: &PlannedCluster, _: &Target, _: &Content, _: &JobTest, _: &Values) -> Result<Rendered, Fault> { Err(Fault::permanent("")) }
