// The page's elements by id, and a way to make new ones. Text is only ever set as text: nothing a token says can become
// markup.

/** @returns {any} */
export const byId = (id) => document.getElementById(id);

/**
 * @param {string} tag `span.found` makes a span of class found
 * @param {object} [properties] properties of the element; `data`, `aria` and `style` take objects
 * @param {...(Node | string | undefined)} children
 */
export function make(tag, properties = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length > 0) element.className = classes.join(" ");
  const { data = {}, aria = {}, style = {}, ...rest } = properties;
  Object.assign(element, rest);
  Object.assign(element.dataset, data);
  for (const [key, value] of Object.entries(aria)) element.setAttribute(`aria-${key}`, value);
  for (const [key, value] of Object.entries(style)) element.style.setProperty(key, value);
  element.append(...children.filter((child) => child !== undefined && child !== ""));
  return element;
}

/**
 * Makes the children of an element what they should be and leaves alone what already is: a page that is drawn every
 * second keeps its selection, its focus and its transitions.
 */
export function update(parent, ...children) {
  const fresh = children.filter((child) => child !== undefined && child !== "").map(toNode);
  fresh.forEach((node, index) => {
    const old = parent.childNodes[index];
    if (!old) parent.append(node);
    else if (old.isEqualNode(node)) return;
    else if (isSameElement(old, node)) update(old, ...node.childNodes);
    else old.replaceWith(node);
  });
  while (parent.childNodes.length > fresh.length) parent.lastChild.remove();
}

const toNode = (child) => (typeof child === "string" ? document.createTextNode(child) : child);

function isSameElement(one, other) {
  return one.nodeType === Node.ELEMENT_NODE && one.cloneNode().isEqualNode(other.cloneNode());
}

/** For those who listen instead of look. */
export const spoken = (text) => make("span.vh", {}, text);
