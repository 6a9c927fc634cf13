// What survives a reload, for this tab only: sessionStorage ends with the tab and is not shared with others.

const KEY = "tokenward.tab";

/** @param {object} rules for fields that an older version of the page did not have */
export function recall(rules) {
  try {
    const state = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
    return state ? { ...state, rules: { ...rules, ...state.rules } } : undefined;
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
