"use strict";
// Tables whose headings are buttons are sorted by them; missing numbers always come last.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  const said = document.getElementById(table.dataset.said);
  headings.forEach((heading, column) => {
    heading.querySelector("button").addEventListener("click", () => {
      const was = heading.getAttribute("aria-sort");
      const other = { ascending: "descending", descending: "ascending" };
      const now = other[was] || heading.dataset.first;
      const sign = now === "ascending" ? 1 : -1;
      const valueOf = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const compare = (one, another) => {
        const [a, b] = [valueOf(one), valueOf(another)];
        if (heading.dataset.kind === "text") return sign * a.localeCompare(b);
        if (a === "" || b === "") return (a === "") - (b === "");
        return sign * (Number(a) - Number(b));
      };
      headings.forEach((each) => each.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", now);
      body.append(...[...body.rows].sort(compare));
      said.textContent = `Sorted by ${heading.textContent}, ${now}.`;
    });
  });
}
