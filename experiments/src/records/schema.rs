//! `schema.json`: the columns of a run's CSV files, so that other programs read them without guessing.

use serde::Serialize;

use super::{CaseRow, ExactRow, ImageRow, LayerRow, Row, StageRow};

/// The content of `schema.json`. Its form is that of a Data Package's resources; `unit` and `empty` are added to the fields.
#[derive(Serialize)]
struct Package {
    description: &'static str,
    resources: Vec<Resource>,
}

/// A CSV file.
#[derive(Serialize)]
struct Resource {
    name: &'static str,
    path: &'static str,
    description: &'static str,
    schema: Schema,
}

#[derive(Serialize)]
struct Schema {
    fields: Vec<Field>,
    #[serde(rename = "missingValues")]
    missing: [&'static str; 1],
}

/// A column.
#[derive(Serialize)]
struct Field {
    name: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    unit: &'static str,
    description: &'static str,
    /// What an empty field means; without it, no field is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    empty: Option<&'static str>,
}

/// Returns the text of `schema.json`, which is the same for all runs of this program.
pub(crate) fn schema() -> String {
    let package = Package {
        description: "The CSV files of a run of cipherlab. A file may be compressed (.csv.gz). Files of earlier programs may \
                      lack the last columns. An empty field means not measured, never 0; `empty` says why.",
        resources: vec![of::<CaseRow>(), of::<ImageRow>(), of::<LayerRow>(), of::<StageRow>(), of::<ExactRow>()],
    };
    let text = serde_json::to_string_pretty(&package).expect("texts and lists are JSON");
    format!("{text}\n")
}

fn of<R: Row>() -> Resource {
    let columns = R::COLUMNS.iter().zip(R::MEANINGS).zip(R::FORMS);
    let field = |((&name, meaning), form): ((&&'static str, &&'static str), &super::Form)| {
        let super::Form { kind, unit, empty } = *form;
        Field { name, kind, unit, description: meaning.trim(), empty }
    };
    Resource {
        name: R::FILE.trim_end_matches(".csv"),
        path: R::FILE,
        description: R::MEANING.trim(),
        schema: Schema { fields: columns.map(field).collect(), missing: [""] },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The columns that the CSV writer makes of a row, not the list that the schema is made from.
    #[test]
    fn the_schema_has_every_column_that_is_written() {
        let row = ExactRow { image: 1, label: Some(2), class: 3, margin: 0.5 };
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.serialize(&row).unwrap();
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
        let files = schema["resources"].as_array().unwrap();
        let names = |file: &str| -> Vec<String> {
            let found = files.iter().find(|found| found["path"] == file).expect(file);
            let fields = found["schema"]["fields"].as_array().unwrap();
            fields.iter().map(|field| field["name"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names("exact.csv").join(","), text.lines().next().unwrap());
        assert_eq!(names("images.csv"), ImageRow::COLUMNS);
        assert_eq!(files.len(), 5);
    }

    #[test]
    fn a_field_tells_type_unit_and_what_empty_means() {
        let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
        let cases = schema["resources"][0]["schema"]["fields"].as_array().unwrap();
        let find = |name: &str| cases.iter().find(|field| field["name"] == name).unwrap();
        let latency = find("latency_s");
        assert_eq!((&latency["type"], &latency["unit"]), (&"number".into(), &"s".into()));
        assert!(latency["empty"].as_str().unwrap().contains("no image was evaluated"), "{latency}");
        assert_eq!(find("ring_dim")["type"], "integer");
        let case = find("case");
        assert!(case["type"] == "string" && case.get("empty").is_none() && case.get("unit").is_none(), "{case}");
        // Names that end in a unit have that unit.
        for (ending, unit) in [("_s", "s"), ("_bytes", "B"), ("_j", "J"), ("_bits", "bits")] {
            for field in cases.iter().filter(|field| field["name"].as_str().unwrap().ends_with(ending)) {
                assert_eq!(field["unit"], unit, "{field}");
            }
        }
    }
}
