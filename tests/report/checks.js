// What the browser makes of the page that is open. Each function answers with complaints, each a line of text.
(() => {
  const shown = element => element.checkVisibility({visibilityProperty: true, opacityProperty: true});
  const name = element => {
    const text = (element.textContent || '').trim().replace(/\s+/g, ' ').slice(0, 40);
    return `<${element.tagName.toLowerCase()} class="${element.getAttribute('class') || ''}"> ${JSON.stringify(text)}`;
  };

  // Colours: [r, g, b, a] of a computed value.
  const colour = text => {
    const numbers = (text.match(/[\d.]+/g) || []).map(Number);
    return text.startsWith('rgb') ? [...numbers.slice(0, 3), numbers.length > 3 ? numbers[3] : 1] : null;
  };
  const light = rgb => {
    const [r, g, b] = rgb.map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  const behind = element => {
    for (let each = element; each; each = each.parentElement) {
      const paint = colour(getComputedStyle(each).backgroundColor);
      if (paint && paint[3] === 1) return paint.slice(0, 3);
      if (paint && paint[3] > 0) return null;  // half transparent: our pages have none
    }
    return null;
  };
  const complain = (ratio, element, fore, back) =>
    `contrast ${ratio.toFixed(2)} of ${fore} on ${back}: ${name(element)}`;

  const words = () => {
    const found = new Map();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement;
      if (!node.data.trim() || element.closest('svg') || !shown(element)) continue;
      const fore = colour(getComputedStyle(element).color);
      const back = behind(element);
      if (!fore || fore[3] !== 1 || !back) {
        found.set(element, `no colour for ${name(element)}`);
      } else if (contrast(fore.slice(0, 3), back) < 4.5) {
        found.set(element, complain(contrast(fore.slice(0, 3), back), element, fore.slice(0, 3), back));
      }
    }
    return [...found.values()];
  };

  // The text of a picture lies on whatever shape is painted there.
  const labels = () => {
    const found = [];
    for (const text of document.querySelectorAll('svg text')) {
      if (!shown(text)) continue;
      text.scrollIntoView({block: 'center', inline: 'center'});
      const box = text.getBoundingClientRect();
      const fore = colour(getComputedStyle(text).fill).slice(0, 3);
      for (const part of [0.02, 0.5, 0.98]) {
        const x = box.left + box.width * part;
        const y = box.top + box.height / 2;
        const stack = document.elementsFromPoint(x, y);
        if (!stack.includes(text.ownerSVGElement)) continue;  // scrolled out of sight
        const below = stack.find(each => each.tagName === 'rect' || each.tagName === 'path');
        const back = below && below.ownerSVGElement === text.ownerSVGElement
          ? colour(getComputedStyle(below).fill).slice(0, 3) : behind(text.ownerSVGElement.parentElement);
        if (!back || contrast(fore, back) < 4.5) {
          found.push(complain(back ? contrast(fore, back) : 0, text, fore, back));
          break;
        }
      }
    }
    return found;
  };

  // No label leaves its picture, or lies on another one.
  const places = () => {
    const found = [];
    for (const picture of document.querySelectorAll('svg[role=img]')) {
      if (!shown(picture)) continue;
      const frame = picture.getBoundingClientRect();
      const texts = [...picture.querySelectorAll('text')].map(each => [each, each.getBoundingClientRect()]);
      texts.forEach(([text, box], i) => {
        if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1) {
          found.push(`outside of its picture: ${name(text)}`);
        }
        for (const [other, there] of texts.slice(i + 1)) {
          if (Math.min(box.right, there.right) - Math.max(box.left, there.left) > 1 &&
              Math.min(box.bottom, there.bottom) - Math.max(box.top, there.top) > 4) {
            found.push(`one label on another: ${name(text)}, ${name(other)}`);
          }
        }
      });
    }
    return found;
  };

  const fits = () => {
    const page = document.documentElement;
    if (page.scrollWidth <= page.clientWidth) return [];
    const wide = [...document.body.querySelectorAll('*')].filter(each =>
      each.getBoundingClientRect().right > page.clientWidth + 1 && !each.closest('.wide *, .diff *, .console *'));
    return [`the page is ${page.scrollWidth} wide on a screen of ${page.clientWidth}: ${wide.slice(0, 3).map(name)}`];
  };

  // What is wider than its place can be scrolled, and by whoever has no mouse.
  const scrolls = () => [...document.querySelectorAll('body *')].filter(each => {
    const style = getComputedStyle(each);
    return /auto|scroll/.test(style.overflowX + style.overflowY) && shown(each) &&
      (each.scrollWidth > each.clientWidth + 1 || each.scrollHeight > each.clientHeight + 1) &&
      each.tabIndex < 0 && !each.querySelector('a, summary');
  }).map(each => `cannot be scrolled by keyboard: ${name(each)}`);

  // Nothing is cut off at the edge of its box without a way to see it.
  const cut = () => [...document.querySelectorAll('body *')].filter(each => {
    if (each.closest('svg, .hidden') || !shown(each)) return false;
    const style = getComputedStyle(each);
    return each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 0 &&
      (style.overflowX === 'hidden' || style.overflowX === 'clip');
  }).map(each => `is cut off: ${name(each)}`);

  const structure = () => {
    const found = [];
    let level = 0;
    for (const heading of document.querySelectorAll('h1, h2, h3, h4, h5, h6')) {
      const own = Number(heading.tagName[1]);
      if (own > level + 1) found.push(`heading of level ${own} after ${level}: ${name(heading)}`);
      level = own;
    }
    if (document.querySelectorAll('h1').length !== 1) found.push('not one h1');
    if (document.querySelectorAll('main').length !== 1) found.push('not one main');
    if (!document.title.trim()) found.push('no title');
    if (!document.documentElement.lang) found.push('no language');
    const ids = [...document.querySelectorAll('[id]')].map(each => each.id);
    if (new Set(ids).size !== ids.length) found.push('an id stands twice');
    for (const link of document.querySelectorAll('a')) {
      const to = link.getAttribute('href') || '';
      if (!to.startsWith('#') || !document.getElementById(to.slice(1))) found.push(`leads nowhere: ${name(link)}`);
    }
    for (const table of document.querySelectorAll('table')) {
      if (!table.caption || !table.querySelector('th')) found.push(`no caption or head: ${name(table)}`);
    }
    for (const head of document.querySelectorAll('th')) {
      if (!head.scope) found.push(`of what is it the head: ${name(head)}`);
    }
    for (const picture of document.querySelectorAll('svg')) {
      if (picture.getAttribute('aria-hidden') === 'true') continue;
      const said = (picture.getAttribute('aria-labelledby') || '').split(/\s+/)
        .map(id => picture.querySelector(`[id="${CSS.escape(id)}"]`));
      if (picture.getAttribute('role') !== 'img' || said.length !== 2 || !said[0] || said[0].tagName !== 'title' ||
          !said[1] || said[1].tagName !== 'desc' || !said.every(each => each.textContent.trim())) {
        found.push(`no words for ${name(picture)}`);
      }
    }
    return found;
  };

  // Of what a guest could have brought in, nothing has become an element that does something.
  const harmless = () => {
    const found = [];
    if ('ran' in window) found.push('a script of the guest ran');
    for (const each of document.querySelectorAll('script, link, base, iframe, object, embed, img, form, input, ' +
                                                 'audio, video, use, image, foreignObject, template')) {
      found.push(`an element that does something: ${name(each)}`);
    }
    for (const each of document.querySelectorAll('*')) {
      for (const attribute of each.attributes) {
        if (attribute.name.startsWith('on') || attribute.name === 'style' || attribute.name === 'autofocus') {
          found.push(`an attribute that does something: ${attribute.name} of ${name(each)}`);
        }
      }
    }
    if (document.querySelectorAll('style').length !== 1) found.push('not one style sheet');
    if (document.querySelectorAll('meta[http-equiv]').length !== 1) found.push('not one policy');
    if (/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/.test(document.body.textContent)) {
      found.push('a character that is not to be seen, or turns the direction');
    }
    if (document.compatMode !== 'CSS1Compat') found.push('not in standards mode');
    return found;
  };

  // On paper nobody can open anything.
  const paper = () => [...document.querySelectorAll('details > :not(summary)')].filter(each => !shown(each))
    .map(each => `is not printed: ${name(each)}`);

  const reachable = () => [...document.querySelectorAll('a[href], summary, [tabindex="0"]')].filter(shown).length;

  window.checks = {words, labels, places, fits, scrolls, cut, structure, harmless, paper, reachable};
})();
