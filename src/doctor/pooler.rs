//! Whether a pooler stands before the server, and where `direct_url` leads.

use super::facts::{self, Role};
use crate::error::Error;
use crate::model::name::RoleName;
use crate::model::observed::ServerFacts;
use crate::pg::catalog;
use crate::pg::clients::Clients;
use crate::pg::error::PgError;
use crate::pg::pooling::is_pooled;
use crate::pg::settings::Target;
use crate::pg::wire::begin_reading;

/// What stands between us and the server.
#[derive(Debug)]
pub(super) struct Pooler {
    pub(super) is_pooled: Result<bool, PgError>,
    /// None without a `direct_url`.
    pub(super) direct: Option<Result<Direct, Error>>,
}

/// What a `direct_url` leads to.
#[derive(Debug)]
pub(super) struct Direct {
    pub(super) place: String,
    pub(super) is_pooled: bool,
    pub(super) server: ServerFacts,
    /// The owners of tenants, as seen from the role there.
    pub(super) owners: Vec<Role>,
}

/// Looks at a cluster's `target`, and by its `direct_url` if it has one.
pub(super) fn look<'a>(
    target: &Target,
    direct: Option<&Result<Target, Error>>,
    owners: impl Iterator<Item = &'a RoleName>,
) -> Pooler {
    Pooler {
        is_pooled: is_pooled(&Clients::new(target.clone())),
        direct: direct.map(|target| reach(target.as_ref().map_err(Clone::clone)?, owners)),
    }
}

fn reach<'a>(target: &Target, owners: impl Iterator<Item = &'a RoleName>) -> Result<Direct, Error> {
    let place = target.place();
    let clients = Clients::new(target.clone());
    let read = || {
        let (server, owners) = clients.with(|wire| {
            wire.run(&begin_reading())?;
            let read = (catalog::server(wire)?, facts::roles(wire, owners)?);
            wire.run("COMMIT")?;
            Ok::<_, PgError>(read)
        })?;
        Ok::<_, PgError>((server, owners, is_pooled(&clients)?))
    };
    let (server, owners, is_pooled) = read().map_err(|error| Error {
        hint: error.hint.clone(),
        ..Error::failed(format!("{place}: {error}"))
    })?;
    Ok(Direct {
        place,
        is_pooled,
        server,
        owners,
    })
}
