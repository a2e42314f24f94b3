//! Objects of any kind: get, list, apply, delete.

use super::client::Server;
use crate::error::{Error, ErrorKind};
use crate::manifest::names::MANAGER;
use crate::manifest::object::{BUDGET, Kind, OLD_BUDGET, Object};
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    Real,
    /// `--dry-run=server`.
    ServerDry,
}

impl Server {
    fn api(&self, kind: Kind, namespace: Option<&str>) -> Api<DynamicObject> {
        let gvk = GroupVersionKind::gvk(kind.group, kind.version, kind.kind);
        let resource = ApiResource::from_gvk_with_plural(&gvk, kind.plural);
        match namespace {
            Some(namespace) => Api::namespaced_with(self.client(), namespace, &resource),
            None => Api::all_with(self.client(), &resource),
        }
    }

    /// None if there is no such object in the namespace.
    ///
    /// # Errors
    /// The server's, except NotFound.
    pub async fn get(&self, kind: Kind, name: &str) -> Result<Option<Value>, Error> {
        let api = self.api(kind, Some(self.namespace()));
        let found = self.answer(&format!("get {} {name}", kind.plural), api.get_opt(name)).await?;
        Ok(found.map(|object| json!(object)))
    }

    /// Whether there is such an object in the namespace; requests only its metadata.
    ///
    /// # Errors
    /// The server's, except NotFound.
    pub async fn exists(&self, kind: Kind, name: &str) -> Result<bool, Error> {
        let api = self.api(kind, Some(self.namespace()));
        Ok(self.answer(&format!("get {} {name}", kind.plural), api.get_metadata_opt(name)).await?.is_some())
    }

    /// In all namespaces if `namespace` is none.
    ///
    /// # Errors
    /// The server's.
    pub async fn list(&self, kind: Kind, namespace: Option<&str>, selector: &str) -> Result<Vec<Value>, Error> {
        let api = self.api(kind, namespace);
        let parameters = ListParams::default().labels(selector);
        let list = self.answer(&format!("list {}", kind.plural), api.list(&parameters)).await?;
        Ok(list.items.into_iter().map(|object| json!(object)).collect())
    }

    /// Requests only the metadata, which saves work for the server.
    ///
    /// # Errors
    /// The server's.
    pub async fn names(&self, kind: Kind, selector: &str) -> Result<Vec<String>, Error> {
        let api = self.api(kind, Some(self.namespace()));
        let parameters = ListParams::default().labels(selector);
        let list = self.answer(&format!("list {}", kind.plural), api.list_metadata(&parameters)).await?;
        Ok(list.items.into_iter().filter_map(|object| object.metadata.name).collect())
    }

    /// Creates or updates an object with server-side apply.
    ///
    /// # Errors
    /// The server's, with the object's name.
    pub async fn apply(&self, object: &Object, run: Run) -> Result<Value, Error> {
        let api = self.api(object.kind, Some(self.namespace()));
        let mut parameters = PatchParams::apply(MANAGER);
        parameters.dry_run = run == Run::ServerDry;
        let patch = Patch::Apply(&object.value);
        let name = object.name();
        let awaited = format!("apply {} {name}", object.kind.plural);
        let applied = self.answer(&awaited, api.patch(name, &parameters, &patch)).await;
        let doing = || format!("cannot create {} \"{name}\"", object.kind.display());
        Ok(json!(applied.map_err(|error| error.context(doing()))?))
    }

    /// Adds fields to an existing object (a merge patch).
    ///
    /// # Errors
    /// The server's, with the object's name.
    pub async fn add(&self, kind: Kind, name: &str, fields: &Value) -> Result<(), Error> {
        let api = self.api(kind, Some(self.namespace()));
        let parameters = PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() };
        let awaited = format!("patch {} {name}", kind.plural);
        let patched = self.answer(&awaited, api.patch(name, &parameters, &Patch::Merge(fields))).await;
        patched.map(drop).map_err(|error| error.context(format!("cannot change {} \"{name}\"", kind.display())))
    }

    /// Returns whether the object existed.
    ///
    /// # Errors
    /// The server's, with the object's name.
    pub async fn delete(&self, kind: Kind, name: &str, options: &Deletion) -> Result<bool, Error> {
        let api = self.api(kind, Some(self.namespace()));
        let parameters = DeleteParams {
            dry_run: options.run == Run::ServerDry,
            grace_period_seconds: options.grace_period,
            propagation_policy: Some(kube::api::PropagationPolicy::Background),
            ..DeleteParams::default()
        };
        let deleted = self.answer(&format!("delete {} {name}", kind.plural), api.delete(name, &parameters)).await;
        match deleted {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.context(format!("cannot delete {} \"{name}\"", kind.display()))),
        }
    }

    /// The server's version of PodDisruptionBudgets: `policy/v1` since Kubernetes 1.21,
    /// `policy/v1beta1` until 1.24.
    ///
    /// # Errors
    /// If the server does not respond.
    pub async fn budget_kind(&self) -> Result<Kind, Error> {
        let client = self.client();
        match self.answer("policy/v1", client.list_api_group_resources("policy/v1")).await {
            Ok(list) if list.resources.iter().any(|resource| resource.name == BUDGET.plural) => Ok(BUDGET),
            Ok(_) => Ok(OLD_BUDGET),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(OLD_BUDGET),
            Err(error) => Err(error),
        }
    }

    /// Whether the user has a permission; none if the review itself is not allowed.
    pub async fn may(&self, verb: &str, kind: Kind, subresource: Option<&str>) -> Option<bool> {
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": {
                "namespace": self.namespace(), "verb": verb, "group": kind.group,
                "resource": kind.plural, "subresource": subresource.unwrap_or_default(),
            }},
        });
        let api: Api<k8s_openapi::api::authorization::v1::SelfSubjectAccessReview> = Api::all(self.client());
        let review = serde_json::from_value(review).ok()?;
        let answer = self.answer("a review of your rights", api.create(&PostParams::default(), &review)).await.ok()?;
        Some(answer.status?.allowed)
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Deletion {
    pub run: Run,
    /// Seconds; none for the pod's own.
    pub grace_period: Option<u32>,
}
