// What survives a reload, for this tab only: sessionStorage ends with the tab and is not shared with others.

const KEY = "tokenward.tab";

export function recall() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}

export function remember(state) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(state));
  } catch {
    // Storage is refused or full: the page works on, it only forgets at the next reload.
  }
}
