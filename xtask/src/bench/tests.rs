use std::collections::HashSet;

use clap::ValueEnum;

use super::*;

#[test]
fn every_row_that_can_be_named_is_there_once() {
    let there: Vec<_> = rows::ALL.iter().map(|row| row.name.to_string()).collect();
    let named: Vec<_> = Name::value_variants().iter().map(Name::to_string).collect();
    assert_eq!(there, named);
    assert_eq!(there.iter().collect::<HashSet<_>>().len(), there.len());
}

#[test]
fn figures_are_compared_whichever_way_is_better() {
    let churn = &rows::ALL[2];
    let result = json!({"cycles_per_second": 7330.0, "server_cpu_us_per_cycle": 210});
    let line = line(churn, false, &result).unwrap();
    assert_eq!(line["row"], "churn");
    let times: Vec<_> = (0..2)
        .map(|i| &line["compared"][i]["times_better"])
        .collect();
    assert_eq!(times, [10.0, 10.0]);
    assert_eq!(line["result"], result);
}

#[test]
fn small_sizes_are_compared_with_nothing() {
    let line = line(&rows::ALL[0], true, &json!({"seconds": 1.0})).unwrap();
    assert_eq!(line.get("compared"), None);
    assert_eq!(line["quick"], true);
}

#[test]
fn a_result_without_the_figure_is_an_error_that_names_it() {
    let error = line(&rows::ALL[0], false, &json!({})).unwrap_err();
    assert!(error.to_string().contains("/seconds"), "{error}");
}
