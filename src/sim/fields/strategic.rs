//! Strategic merge patches: merge patches that know which lists merge, and by which field of their items.

use serde_json::{Map, Value};

use super::element::same;
use super::schema::Schema;
use super::types::{TypeId, Types};

/// A strategic merge patch, with `$patch: delete` and `replace`, `$retainKeys`, `$deleteFromPrimitiveList`
/// and `$setElementOrder`.
///
/// # Errors
/// Why the patch cannot be done.
pub fn strategic_patch(schema: &Schema, object: &Value, patch: &Value) -> Result<Value, String> {
    let Value::Object(fields) = patch else { return Err("patch is no object".to_owned()) };
    let none = Map::new();
    let own = object.as_object().unwrap_or(&none);
    Ok(Value::Object(map(schema.types(), Some(schema.root()), own, fields)?))
}

type Fields = Map<String, Value>;

fn map(types: &Types, id: Option<TypeId>, own: &Fields, patch: &Fields) -> Result<Fields, String> {
    match patch.get("$patch").and_then(Value::as_str) {
        Some("replace") => return Ok(plain(patch)),
        Some("delete") => return Ok(Fields::new()),
        Some("merge") | None => {}
        Some(other) => return Err(format!("unknown patch type found: {other}")),
    }
    let mut merged = own.clone();
    if let Some(keys) = patch.get("$retainKeys").and_then(Value::as_array) {
        merged.retain(|name, _| keys.iter().any(|key| key == name));
    }
    let shape = id.and_then(|id| types.get(id).map.as_ref());
    for (name, value) in patch {
        if let Some(list) = name.strip_prefix("$deleteFromPrimitiveList/") {
            let gone = value.as_array().map_or(&[][..], Vec::as_slice);
            if let Some(Value::Array(items)) = merged.get_mut(list) {
                items.retain(|item| !gone.iter().any(|gone| same(gone, item)));
            }
            continue;
        }
        if name.starts_with('$') {
            continue;
        }
        if value.is_null() {
            merged.shift_remove(name);
            continue;
        }
        let of = shape.and_then(|map| map.of(name));
        let by =
            shape.and_then(|map| map.known.get(name.as_str())).and_then(|field| field.merged_by.as_deref());
        let now = match (merged.get(name), value, by) {
            (Some(Value::Object(own)), Value::Object(patch), _) => {
                if patch.get("$patch").is_some_and(|how| how == "delete") {
                    merged.shift_remove(name);
                    continue;
                }
                Value::Object(map(types, of, own, patch)?)
            }
            (_, Value::Object(patch), _) => Value::Object(map(types, of, &Fields::new(), patch)?),
            (own, Value::Array(patch), Some(key)) => {
                let own = own.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                let items = of.and_then(|of| types.get(of).list.as_ref()).map(|list| list.items);
                Value::Array(list(types, items, key, own, patch)?)
            }
            (_, value, _) => cleaned(value),
        };
        merged.insert(name.clone(), now);
    }
    for (name, order) in patch.iter().filter_map(|(n, v)| Some((n.strip_prefix("$setElementOrder/")?, v))) {
        let by = shape.and_then(|map| map.known.get(name)).and_then(|field| field.merged_by.as_deref());
        if let (Some(key), Some(Value::Array(items)), Some(order)) =
            (by, merged.get_mut(name), order.as_array())
        {
            let live = own.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            *items = arranged(std::mem::take(items), key, order, live);
        }
    }
    Ok(merged)
}

fn list(
    types: &Types,
    items: Option<TypeId>,
    key: &str,
    own: &[Value],
    patch: &[Value],
) -> Result<Vec<Value>, String> {
    let said = |item: &Value, what: &str| item.get("$patch").is_some_and(|how| how == what);
    if patch.iter().any(|item| said(item, "replace")) {
        return Ok(patch.iter().filter(|item| !said(item, "replace")).map(cleaned).collect());
    }
    let mut merged = own.to_vec();
    if key.is_empty() {
        for item in patch {
            if !merged.iter().any(|known| same(known, item)) {
                merged.push(item.clone());
            }
        }
        return Ok(arranged(merged, key, patch, own));
    }
    let mut wanted = Vec::new();
    for item in patch {
        let Some(fields) = item.as_object() else { return Err("list item is no object".to_owned()) };
        let Some(value) = fields.get(key) else {
            return Err(format!(
                "map: {} does not contain declared merge key: {key}",
                super::typed::go(item)
            ));
        };
        let is_it = |other: &Value| other.get(key).is_some_and(|other| same(other, value));
        if said(item, "delete") {
            merged.retain(|other| !is_it(other));
            continue;
        }
        match merged.iter_mut().find(|other| is_it(other)) {
            Some(Value::Object(own)) => *own = map(types, items, own, fields)?,
            _ => merged.push(Value::Object(map(types, items, &Fields::new(), fields)?)),
        }
        wanted.push(item.clone());
    }
    Ok(arranged(merged, key, &wanted, own))
}

/// Items in the server's order: those that the patch names in its order, the others in that of the live
/// list; one of these stands before one that the patch names only where it already did in the live list.
fn arranged(items: Vec<Value>, key: &str, order: &[Value], live: &[Value]) -> Vec<Value> {
    let place = |list: &[Value], item: &Value| {
        let name = |item: &'_ Value| if key.is_empty() { Some(item.clone()) } else { item.get(key).cloned() };
        let own = name(item)?;
        list.iter().position(|other| name(other).is_some_and(|other| same(&other, &own)))
    };
    let sorted = |list: &[Value], items: Vec<Value>| {
        let mut placed: Vec<(usize, Value)> =
            items.into_iter().map(|item| (place(list, &item).unwrap_or(usize::MAX), item)).collect();
        placed.sort_by_key(|(place, _)| *place);
        placed.into_iter().map(|(_, item)| item).collect::<Vec<_>>()
    };
    let (named, others): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| place(order, item).is_some());
    let mut others = sorted(live, others).into_iter().peekable();
    let mut arranged = Vec::new();
    for item in sorted(order, named) {
        let at = place(live, &item);
        while let Some(other) =
            others.next_if(|other| at.zip(place(live, other)).is_some_and(|(at, other)| other < at))
        {
            arranged.push(other);
        }
        arranged.push(item);
    }
    arranged.extend(others);
    arranged
}

/// A value without directives and nulls: what is new is taken as it is.
fn cleaned(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(plain(fields)),
        Value::Array(items) => items.iter().map(cleaned).collect(),
        other => other.clone(),
    }
}

fn plain(fields: &Fields) -> Fields {
    let kept = fields.iter().filter(|(name, value)| !name.starts_with('$') && !value.is_null());
    kept.map(|(name, value)| (name.clone(), cleaned(value))).collect()
}
