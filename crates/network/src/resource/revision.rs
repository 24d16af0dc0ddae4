//! `If-Match: revision_number=N`: a write that only holds for one revision.

use super::ResourceError;

/// The revision that the request insists on, from its `If-Match` values.
pub fn required_revision<'a>(
    headers: impl IntoIterator<Item = &'a str>,
) -> Result<Option<i64>, ResourceError> {
    let mut found = None;
    let tags = headers
        .into_iter()
        .flat_map(|header| header.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/").trim_matches('"'));
    for tag in tags {
        let Some(number) = tag.strip_prefix("revision_number=") else {
            continue;
        };
        if found.is_some() {
            return Err(ResourceError::bad_subject(
                "if-match",
                "Multiple revision_number etags are not supported.",
            ));
        }
        let Ok(number) = number.trim().parse() else {
            return Err(ResourceError::bad_subject(
                "if-match",
                "Revision number etag must be in the format of revision_number=<int>",
            ));
        };
        found = Some(number);
    }
    Ok(found)
}

impl ResourceError {
    /// The resource is at another revision than the request insists on.
    pub fn wrong_revision(required: i64, current: i64) -> Self {
        Self::new(
            412,
            "RevisionNumberConstraintFailed",
            format!("Constrained to {required}, but current revision is {current}"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_headers() {
        assert_eq!(required_revision([]), Ok(None));
        assert_eq!(required_revision(["*"]), Ok(None));
        assert_eq!(required_revision(["revision_number=7"]), Ok(Some(7)));
        assert_eq!(required_revision(["\"revision_number=7\""]), Ok(Some(7)));
        let error = required_revision(["revision_number=x"]).unwrap_err();
        assert_eq!((error.status, error.kind.as_ref()), (400, "BadRequest"));
        assert!(required_revision(["revision_number=1, revision_number=2"]).is_err());
    }
}
