-- Things are found by the value of an attribute, in the order of their names.

create index thing_attributes_by_value on thing_attributes (account, name, value, thing);
