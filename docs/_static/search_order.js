/* The order of search results: first a title that is the query, such as one of the glossary, then names
   of the API that hold its words, and records of the project last. Sphinx takes a name as one word, so
   that "slope" is only a part of "fit_slope", which counts little. */
const RECORDS = ["decisions", "changelog", "contributing", "benchmarks"];

var Scorer = {
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,

  score: ([page, title, , , score, , kind]) => {
    const query = (new URLSearchParams(window.location.search).get("q") || "").trim().toLowerCase();
    if (kind === "title" && title.toLowerCase().split(" > ").pop() === query) return score + 30;
    const name = title.split(".").pop();
    const parts = name.replace(/([a-z])([A-Z])/g, "$1_$2").toLowerCase().split("_");
    const words = query.split(/[\s_.]+/).filter(Boolean);
    if (kind === "object" && words.length && words.every((word) => parts.includes(word)))
      return score + 20 - parts.length;
    return RECORDS.includes(page) ? score / 4 : score;
  },
};

// Beside each result stands a part of its page, which a page that is opened from a disk may not read.
if (window.location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
