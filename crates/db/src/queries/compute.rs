//! Flavors and keypairs.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper,
};
use diesel_async::RunQueryDsl;

use super::Conn;
use super::dialect::transaction;
use crate::models::*;
use crate::schema::{flavor_access, flavors, keypairs};
use crate::{DbError, now};

pub(crate) async fn flavor_create(conn: &mut Conn, flavor: &Flavor) -> Result<(), DbError> {
    diesel::insert_into(flavors::table)
        .values(flavor)
        .execute(conn)
        .await?;
    Ok(())
}

/// The flavors that a project may see; all of them when no project is given.
pub(crate) async fn flavors(
    conn: &mut Conn,
    visible_to: Option<&str>,
) -> Result<Vec<Flavor>, DbError> {
    let mut query = flavors::table
        .select(Flavor::as_select())
        .order(flavors::flavor_id)
        .into_boxed();
    if let Some(project_id) = visible_to {
        let granted = flavor_access::table
            .filter(flavor_access::project_id.eq(project_id.to_owned()))
            .select(flavor_access::flavor_id);
        query = query.filter(
            flavors::is_public
                .eq(true)
                .or(flavors::flavor_id.eq_any(granted)),
        );
    }
    Ok(query.load(conn).await?)
}

pub(crate) async fn flavor_by_flavor_id(
    conn: &mut Conn,
    flavor_id: &str,
) -> Result<Option<Flavor>, DbError> {
    Ok(flavors::table
        .filter(flavors::flavor_id.eq(flavor_id))
        .select(Flavor::as_select())
        .first(conn)
        .await
        .optional()?)
}

pub(crate) async fn flavor_delete(conn: &mut Conn, flavor_id: &str) -> Result<bool, DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        diesel::delete(flavor_access::table.filter(flavor_access::flavor_id.eq(flavor_id)))
            .execute(conn)
            .await?;
        let gone = diesel::delete(flavors::table.filter(flavors::flavor_id.eq(flavor_id)))
            .execute(conn)
            .await?;
        Ok(gone > 0)
    })
    .await
}

pub(crate) async fn flavor_set_extra_specs(
    conn: &mut Conn,
    flavor_id: &str,
    extra_specs: &str,
) -> Result<bool, DbError> {
    let changed = diesel::update(flavors::table.filter(flavors::flavor_id.eq(flavor_id)))
        .set((
            flavors::extra_specs.eq(extra_specs),
            flavors::updated_at.eq(now()),
        ))
        .execute(conn)
        .await?;
    Ok(changed > 0)
}

pub(crate) async fn flavor_set_description(
    conn: &mut Conn,
    flavor_id: &str,
    description: Option<&str>,
) -> Result<bool, DbError> {
    let changed = diesel::update(flavors::table.filter(flavors::flavor_id.eq(flavor_id)))
        .set((
            flavors::description.eq(description),
            flavors::updated_at.eq(now()),
        ))
        .execute(conn)
        .await?;
    Ok(changed > 0)
}

pub(crate) async fn flavor_access_list(
    conn: &mut Conn,
    flavor_id: &str,
) -> Result<Vec<String>, DbError> {
    Ok(flavor_access::table
        .filter(flavor_access::flavor_id.eq(flavor_id))
        .order(flavor_access::project_id)
        .select(flavor_access::project_id)
        .load(conn)
        .await?)
}

pub(crate) async fn flavor_access_add(
    conn: &mut Conn,
    flavor_id: &str,
    project_id: &str,
) -> Result<(), DbError> {
    diesel::insert_into(flavor_access::table)
        .values((
            flavor_access::flavor_id.eq(flavor_id),
            flavor_access::project_id.eq(project_id),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn flavor_access_remove(
    conn: &mut Conn,
    flavor_id: &str,
    project_id: &str,
) -> Result<bool, DbError> {
    let gone = diesel::delete(flavor_access::table.find((flavor_id, project_id)))
        .execute(conn)
        .await?;
    Ok(gone > 0)
}

pub(crate) async fn keypair_create(conn: &mut Conn, keypair: &Keypair) -> Result<(), DbError> {
    diesel::insert_into(keypairs::table)
        .values(keypair)
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn keypairs(conn: &mut Conn, user_id: &str) -> Result<Vec<Keypair>, DbError> {
    Ok(keypairs::table
        .filter(keypairs::user_id.eq(user_id))
        .order(keypairs::name)
        .select(Keypair::as_select())
        .load(conn)
        .await?)
}

pub(crate) async fn keypair_by_name(
    conn: &mut Conn,
    user_id: &str,
    name: &str,
) -> Result<Option<Keypair>, DbError> {
    Ok(keypairs::table
        .filter(keypairs::user_id.eq(user_id))
        .filter(keypairs::name.eq(name))
        .select(Keypair::as_select())
        .first(conn)
        .await
        .optional()?)
}

pub(crate) async fn keypair_delete(
    conn: &mut Conn,
    user_id: &str,
    name: &str,
) -> Result<bool, DbError> {
    let gone = diesel::delete(
        keypairs::table
            .filter(keypairs::user_id.eq(user_id))
            .filter(keypairs::name.eq(name)),
    )
    .execute(conn)
    .await?;
    Ok(gone > 0)
}
