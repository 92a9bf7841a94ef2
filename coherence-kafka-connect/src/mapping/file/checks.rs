//! What is checked when all types are known: indexes, ids, hierarchies.

use std::collections::HashMap;

use super::super::types::{Enum, Field, Layout, UserType};
use super::{FileError, Reader};

impl Reader<'_> {
    /// Brings fields with indexes into the order of these.
    pub(super) fn check_indexes(&mut self, of: &str, fields: &mut [(Field, usize)]) {
        fields.sort_by_key(|(field, _)| field.index);
        for pair in fields.windows(2) {
            let [(first, _), (second, at)] = pair else { continue };
            if let (Some(index), true) = (second.index, first.index == second.index) {
                let message =
                    format!("{of}: field {}: index {index} is that of field {}", second.name, first.name);
                self.error(*at, message);
            }
        }
    }

    pub(super) fn check_ids(&mut self, types: &[UserType], enums: &[Enum]) {
        let of_types = types.iter().map(|ty| ("type", &ty.name, ty.id, ty.line));
        let of_enums = enums.iter().map(|constants| ("enum", &constants.name, constants.id, constants.line));
        let mut known: HashMap<u32, String> = HashMap::new();
        for (what, name, id, line) in of_types.chain(of_enums) {
            let Some(id) = id else { continue };
            if let Some(other) = known.insert(id, format!("{what} {name}")) {
                self.errors
                    .push(FileError { line, message: format!("{what} {name}: id {id} is that of {other}") });
            }
        }
    }

    /// Finds the classes that each class extends.
    pub(super) fn hierarchies(&mut self, types: &mut [UserType]) {
        for index in 0..types.len() {
            let mut hierarchy = vec![index];
            let mut problem = None;
            while let Some(parent) = types[hierarchy[hierarchy.len() - 1]].parent {
                if hierarchy.contains(&parent) {
                    problem = Some("extends itself");
                    break;
                }
                if types[parent].layout != Layout::PortableType {
                    problem = Some("extends a type whose layout is not \"@PortableType\"");
                    break;
                }
                hierarchy.push(parent);
            }
            let named: Vec<_> = hierarchy
                .iter()
                .flat_map(|level| types[*level].fields.iter().map(|field| &field.name))
                .collect();
            if types[index].id.is_none() && (1..named.len()).any(|at| named[..at].contains(&named[at])) {
                problem = problem.or(Some("has a field of a name that a class it extends has"));
            }
            if types[index].layout == Layout::PortableType && hierarchy.len() > 1 {
                let with_id = hierarchy.iter().filter(|level| types[**level].id.is_some()).count();
                if with_id != 0 && with_id != hierarchy.len() {
                    problem =
                        problem.or(Some("and the types that it extends need an id each, or none has one"));
                }
            }
            if let Some(problem) = problem {
                let ty = &types[index];
                let message = format!("type {}: {problem}", ty.name);
                self.errors.push(FileError { line: ty.line, message });
            }
            hierarchy.reverse();
            hierarchy.sort_by_key(|level| types[*level].id);
            types[index].hierarchy = hierarchy;
        }
        // A cycle leaves nothing that could be followed.
        if !self.errors.is_empty() {
            types.iter_mut().for_each(|ty| ty.parent = None);
        }
    }
}
